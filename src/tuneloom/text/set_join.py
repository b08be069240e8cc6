"""The exact set-similarity join: buckets that miss no pair of similar sets (Chaudhuri, Ganti and Kaushik, 2006).

Order the shingles of all rows by how few rows have them. Two sets of n and m shingles with Jaccard similarity t share
at least t * max(n, m), so they share one among the first n - ceil(t * n) + 1 of the one and the like of the other:
rows are candidates by these, their rarest shingles.
"""

from collections.abc import Sequence

import numpy as np

from tuneloom.text.kernels import Integer, kernel, read_only
from tuneloom.text.shingles import Shingles
from tuneloom.text.similarity import Buckets


def rarest_shingles(sets: Sequence[Shingles], slots: np.ndarray, threshold: float) -> Buckets:
    """Buckets of m rows, of which row i has the union of the sets at slots[i], int64 (m,), in each of `sets`.

    All pairs whose unions are at least `threshold` similar share a bucket. A shingle of one row alone makes none.
    {1, 2, 3}, {1, 2, 4}, {9} at 0.5 -> shingle 1 or 2 is a bucket of the first two rows, the third has none.
    """
    values = np.concatenate([part.values for part in sets])
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int32)
    rank[np.argsort(counts, kind="stable")] = np.arange(len(counts), dtype=np.int32)
    ranks = rank[inverse.ravel()]
    alone = int((counts == 1).sum())  # they have the first ranks
    starts = np.stack([part.bounds[slots] for part in sets], axis=1)
    stops = np.stack([part.bounds[slots + 1] for part in sets], axis=1)
    shift = np.cumsum([0, *(len(part.values) for part in sets[:-1])])
    numbers, bounds = np.empty(len(ranks), np.int32), np.zeros(len(slots) + 1, np.int64)
    _take_prefixes(
        read_only(starts + shift), read_only(stops + shift), read_only(ranks), alone, threshold, numbers, bounds
    )
    return Buckets(bounds, numbers[: bounds[-1]].copy())


@kernel
def _take_prefixes(
    starts: np.ndarray,
    stops: np.ndarray,
    ranks: np.ndarray,
    alone: Integer,
    threshold: float,
    numbers: np.ndarray,
    bounds: np.ndarray,
) -> None:
    """starts, stops int64 (m, parts) in `ranks` int32 (total,) -> `numbers` int32 (total,), `bounds` int64 (m + 1,)."""
    place: Integer = np.int64(0)
    for row in range(len(starts)):
        count = (stops[row] - starts[row]).sum()
        union, filled = np.empty(count, np.int32), 0
        for part in range(starts.shape[1]):
            for at in range(starts[row, part], stops[row, part]):
                union[filled] = ranks[at]
                filled += 1
        union.sort()
        for number in union[: count - np.int64(np.ceil(threshold * count - 1e-9)) + 1]:
            if number >= alone:
                numbers[place] = number
                place += 1
        bounds[row + 1] = place
