"""MinHash signatures in bands (Broder, 1997; Indyk and Motwani, 1998): similar sets share a band, others hardly ever.

The chance that two sets of Jaccard similarity s share one of b bands of r values is 1 - (1 - s^r)^b. `bands_for`
chooses b and r so that it is at least `RECALL` at the threshold itself; what shares a band is a candidate, and is then
verified.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuneloom.text.kernels import Integer, kernel, read_only
from tuneloom.text.keys import mixed
from tuneloom.text.shingles import Shingles

RECALL = 0.995
"""Least chance to find a pair whose similarity is just the threshold; more similar pairs are missed far less."""

_VALUES = 128
"""Most MinHash values a row, where the threshold allows; more make the curve steeper and everything slower."""


@dataclass(frozen=True)
class Bands:
    """`count` bands of `rows` MinHash values each."""

    count: int
    rows: int

    def chance(self, similarity: float) -> float:
        """The chance that two sets of this similarity share a band."""
        return 1 - (1 - similarity**self.rows) ** self.count


def bands_for(threshold: float) -> Bands:
    """The steepest bands of at most 128 values that find a pair at the threshold: 0.8 -> 18 bands of 6."""
    best = Bands(_bands_needed(threshold, 1), 1)
    for rows in range(2, _VALUES + 1):
        count = _bands_needed(threshold, rows)
        if rows * count > _VALUES:
            break
        best = Bands(count, rows)
    return best


def band_hashes(sets: Sequence[Shingles], bands: Bands) -> np.ndarray:
    """Band hashes uint64 (n, count) of n rows; a row's set is the union of its shingles in each of `sets`.

    With shingles of another seed for each of them the similarity of the unions lies between those of the parts: it is
    at least the threshold wherever all parts are.
    """
    values = bands.count * bands.rows
    numbers = mixed(np.arange(2 * values, dtype=np.uint64))
    multipliers = read_only((numbers[:values] >> np.uint64(32)).astype(np.uint32) | np.uint32(1))
    addends = read_only((numbers[values:] >> np.uint64(32)).astype(np.uint32))
    signature = np.full((len(sets[0]), values), 0xFFFFFFFF, np.uint32)
    for part in sets:
        _take_minima(part.bounds, part.values, multipliers, addends, signature)
    out = np.empty((len(sets[0]), bands.count), np.uint64)
    _hash_bands(signature, bands.rows, out)
    return out


def _bands_needed(threshold: float, rows: int) -> int:
    chance = threshold**rows
    return 1 if chance >= RECALL else math.ceil(math.log(1 - RECALL) / math.log1p(-chance))


@kernel
def _take_minima(
    bounds: np.ndarray, values: np.ndarray, multipliers: np.ndarray, addends: np.ndarray, signature: np.ndarray
) -> None:
    """Lowers the rows of `signature` uint32 (n, values) by their shingles; multipliers, addends uint32 (values,)."""
    count = len(multipliers)
    for row in range(len(bounds) - 1):
        least = signature[row]
        for at in range(bounds[row], bounds[row + 1]):
            shingle = np.uint32(values[at] >> np.uint64(32))
            for number in range(count):
                value = np.uint32(np.uint32(shingle * multipliers[number]) + addends[number])
                value = np.uint32(value ^ (value >> np.uint32(15)))
                least[number] = min(least[number], value)


@kernel
def _hash_bands(signature: np.ndarray, rows: Integer, out: np.ndarray) -> None:
    """Hashes each run of `rows` values of `signature` uint32 (n, count * rows) -> `out` uint64 (n, count)."""
    for row in range(len(signature)):
        for band in range(out.shape[1]):
            state = np.uint64(0x9E3779B97F4A7C15) * np.uint64(band + 1)
            for number in range(band * rows, (band + 1) * rows):
                state = (state ^ np.uint64(signature[row, number])) * np.uint64(0xFF51AFD7ED558CCD)
                state ^= state >> np.uint64(29)
            out[row, band] = state
