"""Who survives: a total order of rows that no file order, partition or engine can change."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONG = 16_384
"""Bytes from which more is worth less: of such rows training keeps a part or nothing, and padding is no content."""

COLUMNS = ("id", "content_hash", "origin", "references", "use")
"""Columns of `records.ROWS` that the order and the verdicts need."""


def survivor_order(
    rows: pa.Table, lengths: np.ndarray, priorities: Mapping[str, int], released: np.ndarray
) -> np.ndarray:
    """Positions of the training rows, best first, int64 (m,); `lengths` int64 (n,) of all n rows, `released` bool (n,).

    Best is: what was released before, so that a refresh evicts no such row for a new one; then the source of higher
    priority, more references, the longer text (of those beyond `LONG` the shorter, after
    all others), the smaller content hash and id, the smaller origin. The last one is unique, so the order is total.
    """
    origin = rows["origin"].combine_chunks()
    source = pc.struct_field(origin, "source")
    names = source.unique().to_pylist()
    ranks = pa.array([priorities.get(name, 0) for name in names], pa.int64())
    keys = {
        "released": pa.array(released),
        "priority": ranks.take(pc.index_in(source, pa.array(names, pa.string()))),
        "references": pc.fill_null(pc.list_value_length(rows["references"].combine_chunks()), 0),
        "length": pa.array(np.where(lengths <= LONG, lengths, -lengths)),
        "content_hash": rows["content_hash"],
        "id": rows["id"],
        **{name: pc.struct_field(origin, name) for name in ("source", "file", "row", "part")},
    }
    better_is_more = ("released", "priority", "references", "length")
    order = pc.sort_indices(
        pa.table(keys),
        sort_keys=[(name, "descending" if name in better_is_more else "ascending") for name in keys],
    ).to_numpy()
    training = pc.equal(rows["use"], "train").to_numpy()
    return order[training[order]].astype(np.int64)
