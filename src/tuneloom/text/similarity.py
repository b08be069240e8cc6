"""True Jaccard similarity of shingle sets, and the join that keeps survivors and rejects what resembles one.

The join makes stars, never chains: a row is rejected only for a kept row that it resembles itself, so its witness is
still there. Rows come best first; what MinHash bands suggest is verified here, so precision is 1.
"""

from dataclasses import dataclass

import numpy as np

from tuneloom.text.kernels import Integer, kernel, read_only
from tuneloom.text.shingles import Shingles

_Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, float]


@dataclass(frozen=True)
class Part:
    """One of the texts that rows are compared by, for m rows."""

    sets: Shingles
    """Sorted sets, in any order of rows; `slots` finds them."""
    keys: np.ndarray
    """uint64 (m,): the text's key; equal keys are similarity 1"""
    least: float
    """Least similarity that counts; 0 compares for the record only."""


@dataclass(frozen=True)
class Stars:
    """For each of m rows the kept row that it resembles most."""

    survivor: np.ndarray
    """int64 (m,): -1 where the row is kept"""
    similarity: np.ndarray
    """float64 (m, 2): of the prompts and of the answers; NaN where the row is kept"""


def similarities(sets: Shingles, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Jaccard similarity float64 (p,) of p pairs of rows, int64 (p,) each; {1, 2, 3} and {2, 3, 4} -> 0.5."""
    out = np.empty(len(left))
    _compare_pairs(sets.bounds, sets.values, read_only(left), read_only(right), out)
    return out


def stars(buckets: np.ndarray, prompt: Part, answer: Part, scopes: np.ndarray, slots: np.ndarray) -> Stars:
    """Keeps or rejects m rows, in the order given (best first).

    `buckets` int32 (bands, m): rows with the same number in a band are candidates, -1 has none; `scopes` uint64 (m,):
    rows of different scopes are never compared; `slots` int64 (m,): where a row's sets lie in the parts.
    Of several kept rows the witness is the most similar one (sum of both), then the best.
    """
    count = buckets.shape[1]
    newest = np.full(buckets.max(initial=-1) + 1, -1, np.int64)
    survivor, similarity = np.full(count, -1, np.int64), np.full((count, 2), np.nan)
    _grow_stars(
        read_only(np.ascontiguousarray(buckets.T)),
        (prompt.sets.bounds, prompt.sets.values, read_only(prompt.keys), float(prompt.least)),
        (answer.sets.bounds, answer.sets.values, read_only(answer.keys), float(answer.least)),
        read_only(scopes),
        read_only(slots),
        newest,
        survivor,
        similarity,
    )
    return Stars(survivor, similarity)


@kernel
def _jaccard(bounds: np.ndarray, values: np.ndarray, left: Integer, right: Integer, least: float) -> float:
    """Similarity of two sets of `values` uint64, or -1 as soon as it must be below `least`."""
    i, i_end, j, j_end = bounds[left], bounds[left + 1], bounds[right], bounds[right + 1]
    total, shared = (i_end - i) + (j_end - j), 0
    needed = least / (1 + least) * total - 1e-9
    while i < i_end and j < j_end:
        if shared + min(i_end - i, j_end - j) < needed:
            return -1.0
        a, b = values[i], values[j]
        shared += a == b
        i += a <= b
        j += b <= a
    return shared / (total - shared) if shared >= needed else -1.0


@kernel
def _compare_pairs(
    bounds: np.ndarray, values: np.ndarray, left: np.ndarray, right: np.ndarray, out: np.ndarray
) -> None:
    """All pairs: int64 (p,) and (p,) -> `out` float64 (p,)."""
    for pair in range(len(left)):
        out[pair] = _jaccard(bounds, values, left[pair], right[pair], 0.0)


@kernel
def _part_similarity(part: _Arrays, x: Integer, y: Integer, slots: np.ndarray) -> float:
    """Similarity of rows x and y in one part (bounds, values, keys, least), or -1 below its least."""
    bounds, values, keys, least = part
    if keys[x] == keys[y]:
        return 1.0
    return _jaccard(bounds, values, slots[x], slots[y], least)


@kernel
def _grow_stars(
    buckets: np.ndarray,
    prompt: _Arrays,
    answer: _Arrays,
    scopes: np.ndarray,
    slots: np.ndarray,
    newest: np.ndarray,
    survivor: np.ndarray,
    similarity: np.ndarray,
) -> None:
    """`buckets` int32 (m, bands) -> `survivor` int64 (m,), `similarity` float64 (m, 2).

    `newest` int64 (buckets,) holds the kept row last put in each bucket, `older` the one put there before it.
    """
    count, bands = buckets.shape
    older = np.full((count, bands), -1, np.int32)
    compared = np.full(count, -1, np.int64)
    for x in range(count):
        best = -1.0
        for band in range(bands):
            y = newest[buckets[x, band]] if buckets[x, band] >= 0 else -1
            while y >= 0:
                if compared[y] != x and scopes[y] == scopes[x]:
                    compared[y] = x
                    by_answer = _part_similarity(answer, x, y, slots)
                    by_prompt = _part_similarity(prompt, x, y, slots) if by_answer >= 0 else -1.0
                    score = by_prompt + by_answer
                    if by_prompt >= 0 and (score > best or (score == best and y < survivor[x])):
                        best, survivor[x] = score, y
                        similarity[x, 0], similarity[x, 1] = by_prompt, by_answer
                y = older[y, band]
        if survivor[x] >= 0:
            continue
        for band in range(bands):
            bucket = buckets[x, band]
            if bucket >= 0:
                older[x, band] = newest[bucket]
                newest[bucket] = x
