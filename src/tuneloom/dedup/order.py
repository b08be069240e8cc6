"""Who survives: a total order of rows that no file order, partition or engine can change."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.dedup.ledger import Ledger

LONG = 16_384
"""Bytes from which more is worth less: of such rows training keeps a part or nothing, and padding is no content."""


def survivor_order(
    rows: Ledger, lengths: np.ndarray, priorities: Mapping[str, int], released: np.ndarray
) -> np.ndarray:
    """Positions of the training rows, best first, int64 (m,); `lengths` int64 (n,) of all n rows, `released` bool (n,).

    Best is: what was released before, so that a refresh evicts no such row for a new one; then the source of higher
    priority, more references, the longer text (of those beyond `LONG` the shorter, after
    all others), the smaller content hash and id, the smaller origin. The last one is unique, so the order is total.
    """
    ranks = np.array([priorities.get(source, 0) for source, _ in rows.names] or [0], np.int64)
    keys = {
        "released": released,
        "priority": ranks[rows.file],
        "references": rows.references,
        "length": np.where(lengths <= LONG, lengths, -lengths),
        **{f"hash_{lane}": rows.hashes[lane] for lane in range(4)},
        **{name: getattr(rows, name) for name in ("file", "row", "part")},
    }
    better_is_more = ("released", "priority", "references", "length")
    order = pc.sort_indices(
        pa.table(keys),
        sort_keys=[(name, "descending" if name in better_is_more else "ascending") for name in keys],
    ).to_numpy()
    return order[rows.train[order]].astype(np.int64)
