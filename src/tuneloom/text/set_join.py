"""The exact set-similarity join: buckets that miss no pair of similar sets (Chaudhuri, Ganti and Kaushik, 2006).

Order the shingles of all rows by how few rows have them. Two sets of n and m shingles with Jaccard similarity t share
at least t * max(n, m), so they share one among the first n - ceil(t * n) + 1 of the one and the like of the other:
rows are candidates by these, their rarest shingles. Any order that is the same for all rows misses no pair; how many
rows have a shingle is therefore counted by the low bits of its hash, which are its bucket's number, too.
"""

from collections.abc import Sequence

import numpy as np

from tuneloom.text.kernels import Integer, kernel, over_threads, read_only
from tuneloom.text.shingles import Shingles
from tuneloom.text.similarity import Buckets


def rarest_shingles(sets: Sequence[Shingles], slots: np.ndarray, threshold: float) -> Buckets:
    """Buckets of m rows, of which row i has the union of the sets at slots[i], int64 (m,), in each of `sets`.

    All pairs whose unions are at least `threshold` similar share a bucket. A shingle of one row alone makes none.
    {1, 2, 3}, {1, 2, 4}, {9} at 0.5 -> shingle 1 or 2 is a bucket of the first two rows, the third has none.
    """
    starts = read_only(np.stack([part.bounds[slots] for part in sets], axis=1))
    stops = read_only(np.stack([part.bounds[slots + 1] for part in sets], axis=1))
    total = int((stops - starts).sum())
    counts = np.zeros(1 << min(_MOST_BITS, max(8, total.bit_length())), np.uint16)
    for part in sets:
        _count(part.values, counts)
    cuts = range(0, len(slots), _ROWS)

    def take(first: int) -> tuple[np.ndarray, np.ndarray]:
        rows = slice(first, first + _ROWS)
        numbers = np.empty(int((stops[rows] - starts[rows]).sum()), np.int32)
        bounds = np.zeros(len(starts[rows]) + 1, np.int64)
        values = sets[0].values, sets[-1].values
        _take_prefixes(read_only(starts[rows]), read_only(stops[rows]), values, counts, threshold, numbers, bounds)
        return np.diff(bounds), numbers[: bounds[-1]].copy()

    made = over_threads(take, cuts)
    bounds = np.cumsum(np.concatenate([np.zeros(1, np.int64), *(sizes for sizes, _ in made)]))
    return Buckets(bounds, np.concatenate([np.empty(0, np.int32), *(numbers for _, numbers in made)]))


_MOST_BITS = 27
_ROWS = 8192


@kernel
def _count(values: np.ndarray, counts: np.ndarray) -> None:
    """Counts `values` uint64 (total,) by their low bits in `counts` uint16 (a power of two,), up to 65,535."""
    mask = np.uint64(len(counts) - 1)
    for value in values:
        place = value & mask
        if counts[place] < 65535:
            counts[place] += np.uint16(1)


@kernel
def _take_prefixes(
    starts: np.ndarray,
    stops: np.ndarray,
    values: tuple[np.ndarray, np.ndarray],
    counts: np.ndarray,
    threshold: float,
    numbers: np.ndarray,
    bounds: np.ndarray,
) -> None:
    """starts, stops int64 (m, parts) in `values` uint64 (total,) of each part -> `numbers` int32 (total,), `bounds`
    int64 (m + 1,). Sorted are the count and the low 48 bits of each shingle, in one number."""
    low, mask = np.uint64((1 << 48) - 1), np.uint64(len(counts) - 1)
    place: Integer = np.int64(0)
    for row in range(len(starts)):
        size = (stops[row] - starts[row]).sum()
        union, filled = np.empty(size, np.uint64), 0
        for part in range(starts.shape[1]):
            of_part = values[0] if part == 0 else values[1]
            for at in range(starts[row, part], stops[row, part]):
                value = of_part[at]
                union[filled] = np.uint64(counts[value & mask]) << np.uint64(48) | (value & low)
                filled += 1
        union.sort()
        for number in union[: size - np.int64(np.ceil(threshold * size - 1e-9)) + 1]:
            if number >> np.uint64(48) > 1:
                numbers[place] = np.int32(number & mask)
                place += 1
        bounds[row + 1] = place
