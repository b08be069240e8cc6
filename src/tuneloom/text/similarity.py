"""True Jaccard similarity of shingle sets, and the join that keeps survivors and rejects what resembles one.

The join makes stars, never chains: a row is rejected only for a kept row that it resembles itself, so its witness is
still there. Rows come best first; what buckets suggest is verified here, so precision is 1. Buckets are MinHash bands
(signatures.py), or the rarest shingles of each row, which miss no pair (set_join.py).
"""

from dataclasses import dataclass

import numpy as np

from tuneloom.text.kernels import Integer, kernel, read_only
from tuneloom.text.shingles import Shingles

_Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, float]


NEARLY = 0.2
"""How far below the threshold similarities are still recorded, to tell what a lower threshold would find."""


@dataclass(frozen=True)
class Buckets:
    """Of m rows: row i lies in the buckets numbers[bounds[i] : bounds[i + 1]]; rows that share one are candidates."""

    bounds: np.ndarray
    """int64 (m + 1,)"""
    numbers: np.ndarray
    """int32 (total,)"""


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
class Pairs:
    """Similarities of k pairs of rows, so that no pair need be compared twice."""

    keys: np.ndarray
    """uint64 (k,): of each pair the sum of its rows' names"""
    similarity: np.ndarray
    """float64 (k, 2): of the prompts and of the answers; -1 where they are too far apart to be recorded"""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def none(cls) -> "Pairs":
        """Of no pair."""
        return cls(np.empty(0, np.uint64), np.empty((0, 2)))


@dataclass(frozen=True)
class Stars:
    """For each of m rows the kept row that it resembles most."""

    survivor: np.ndarray
    """int64 (m,): -1 where the row is kept"""
    similarity: np.ndarray
    """float64 (m, 2): of the prompts and of the answers; NaN where the row is kept"""
    nearly: np.ndarray
    """float64 (m,): where the row is kept, how similar a kept row before it is in all that counts, if that is at most
    `NEARLY` below the threshold; else NaN"""
    compared: Pairs
    """Pairs that were compared and not known before, in any order"""
    lacking: np.ndarray
    """bool (m,): it met a row that it could not be compared with, for the sets of one are missing; where any is true,
    nothing else here is to be used"""


def similarities(sets: Shingles, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Jaccard similarity float64 (p,) of p pairs of rows, int64 (p,) each; {1, 2, 3} and {2, 3, 4} -> 0.5."""
    out = np.empty(len(left))
    _compare_pairs(sets.bounds, sets.values, read_only(left), read_only(right), out)
    return out


def stars(
    buckets: Buckets,
    prompt: Part,
    answer: Part,
    scopes: np.ndarray,
    slots: np.ndarray,
    names: np.ndarray | None = None,
    known: Pairs | None = None,
) -> Stars:
    """Keeps or rejects m rows, in the order given (best first).

    `scopes` uint64 (m,): rows of different scopes are never compared; `slots` int64 (m,): where a row's sets lie in
    the parts, -1 where they are missing. Of several kept rows the witness is the most similar one (sum of both), then
    the best. `known` are pairs by sums of `names` uint64 (m,), random and distinct, and ascending.
    """
    count = len(slots)
    known = known or Pairs.none()
    lacking = np.zeros(count, bool)
    newest = np.full(buckets.numbers.max(initial=-1) + 1, -1, np.int32)
    survivor, similarity, nearly = np.full(count, -1, np.int64), np.full((count, 2), np.nan), np.full(count, np.nan)
    compared = _grow_stars(
        read_only(buckets.bounds),
        read_only(buckets.numbers),
        (prompt.sets.bounds, prompt.sets.values, read_only(prompt.keys), float(prompt.least)),
        (answer.sets.bounds, answer.sets.values, read_only(answer.keys), float(answer.least)),
        read_only(scopes),
        read_only(slots),
        read_only(np.zeros(count, np.uint64) if names is None else names),
        (read_only(known.keys), read_only(known.similarity)),
        newest,
        survivor,
        similarity,
        nearly,
        lacking,
    )
    nearly[survivor >= 0] = np.nan
    return Stars(survivor, similarity, nearly, Pairs(*compared), lacking)


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
    """Similarity of rows x and y in one part (bounds, values, keys, least), or -1 more than NEARLY below its least."""
    bounds, values, keys, least = part
    if keys[x] == keys[y]:
        return 1.0
    return _jaccard(bounds, values, slots[x], slots[y], max(0.0, least - NEARLY))


@kernel
def _longer(array: np.ndarray) -> np.ndarray:
    """float64 or uint64 (k, ...) with as many places more."""
    out = np.empty((2 * len(array), array.shape[1]), array.dtype)
    out[: len(array)] = array
    return out


@kernel
def _nearest(before: float, by_prompt: float, by_answer: float, wanted_prompt: float, wanted_answer: float) -> float:
    """The larger of `before` (NaN: none) and what is wanted of the pair's similarities, the smaller of both."""
    close = min(by_prompt if wanted_prompt > 0 else 1.0, by_answer if wanted_answer > 0 else 1.0)
    return close if np.isnan(before) else max(before, close)


@kernel
def _join(
    x: int, bounds: np.ndarray, numbers: np.ndarray, owner: np.ndarray, older: np.ndarray, newest: np.ndarray
) -> None:
    """Puts a kept row into its buckets, for later rows to meet."""
    for at in range(bounds[x], bounds[x + 1]):
        owner[at], older[at] = x, newest[numbers[at]]
        newest[numbers[at]] = at


@kernel
def _grow_stars(
    bounds: np.ndarray,
    numbers: np.ndarray,
    prompt: _Arrays,
    answer: _Arrays,
    scopes: np.ndarray,
    slots: np.ndarray,
    names: np.ndarray,
    known: tuple[np.ndarray, np.ndarray],
    newest: np.ndarray,
    survivor: np.ndarray,
    similarity: np.ndarray,
    nearly: np.ndarray,
    lacking: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """`bounds` int64 (m + 1,), `numbers` int32 (total,) -> `survivor`, `similarity`, `nearly`, `lacking` as in `Stars`;
    returns what `compared` holds there. A row that lacks something counts as rejected.

    A place is one of `total`: a row in a bucket. `newest` int32 (buckets,) holds the place of the kept row last put in
    each bucket, `older` the place before it there.
    """
    older, owner = np.full(len(numbers), -1, np.int32), np.empty(len(numbers), np.int32)
    met = np.full(len(slots), -1, np.int64)
    made, keys, found = 0, np.empty((1024, 1), np.uint64), np.empty((1024, 2), np.float64)
    least_prompt, least_answer = prompt[3] - 1e-9, answer[3] - 1e-9
    for x in range(len(slots)):
        best = -1.0
        for at in range(bounds[x], bounds[x + 1]):
            place = newest[numbers[at]]
            while place >= 0 and not lacking[x]:
                y, place = owner[place], older[place]
                if met[y] == x or scopes[y] != scopes[x]:
                    continue
                met[y] = x
                key = names[x] + names[y]
                seen = np.searchsorted(known[0], key)
                if seen < len(known[0]) and known[0][seen] == key:
                    by_prompt, by_answer = known[1][seen, 0], known[1][seen, 1]
                elif slots[x] < 0 or slots[y] < 0:
                    lacking[x] = True
                    continue
                else:
                    by_answer = _part_similarity(answer, x, y, slots)
                    by_prompt = _part_similarity(prompt, x, y, slots) if by_answer >= 0 else -1.0
                    if made == len(keys):
                        keys, found = _longer(keys), _longer(found)
                    keys[made, 0], found[made, 0], found[made, 1] = key, by_prompt, by_answer
                    made += 1
                if by_prompt < 0:
                    continue
                if by_prompt < least_prompt or by_answer < least_answer:
                    nearly[x] = _nearest(nearly[x], by_prompt, by_answer, prompt[3], answer[3])
                    continue
                score = by_prompt + by_answer
                if score > best or (score == best and y < survivor[x]):
                    best, survivor[x] = score, y
                    similarity[x, 0], similarity[x, 1] = by_prompt, by_answer
        if survivor[x] < 0 and not lacking[x]:
            _join(x, bounds, numbers, owner, older, newest)
    return keys[:made, 0].copy(), found[:made].copy()
