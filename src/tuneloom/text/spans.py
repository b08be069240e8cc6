"""Spans: a few runs of eight words of each text, chosen by winnowing (Schleimer, Wilkerson and Aiken, 2003).

Two texts that share twelve words in a row share a chosen run, wherever it stands in either. Wording that is `common`
(a template, a header) is left out first: texts that share nothing else share no span. What then remains of a text is
a span of its own, so that a short question meets itself under another template.
"""

import numpy as np

from tuneloom.text.kernels import Integer, kernel, read_only
from tuneloom.text.shingles import WIDTH, Shingles

SPAN = 8
"""Words in a chosen run."""
WINDOW = 5
"""Of so many runs in a row one is chosen."""


def spans(sequences: Shingles, common: np.ndarray, *, rest: bool) -> Shingles:
    """Hashes of the spans of n texts, from their shingles in reading order (`shingles(..., as_sets=False)`).

    `common` uint64 (c,), sorted: shingles of wording that does not count. A text has a span or two in twelve words,
    and with `rest` one for all that remains of it, if that is six words or more.
    """
    values = np.empty(len(sequences.values) + len(sequences), np.uint64)
    bounds = np.zeros(len(sequences) + 1, np.int64)
    _choose(sequences.bounds, sequences.values, read_only(common), rest, values, bounds)
    return Shingles(read_only(bounds), read_only(values[: bounds[-1]].copy()))


def common_shingles(sequences: Shingles, share: float, least: int) -> np.ndarray:
    """Shingles that at least that share of the texts hold, and at least `least` of them; sorted uint64 (c,).

    Of 20 texts that all begin with "Read this passage and answer the question:", the shingles of these words.
    """
    owner = np.repeat(np.arange(len(sequences)), np.diff(sequences.bounds))
    order = np.lexsort((owner, sequences.values))
    value, owner = sequences.values[order], owner[order]
    new = np.ones(len(value), bool)
    new[1:] = (value[1:] != value[:-1]) | (owner[1:] != owner[:-1])
    found, counts = np.unique(value[new], return_counts=True)
    return found[counts >= max(least, share * len(sequences))]


@kernel
def _mark_common(values: np.ndarray, start: Integer, stop: Integer, common: np.ndarray, marks: np.ndarray) -> None:
    """`marks` uint8 (stop - start,): 1 where a shingle holds a word of one in `common` uint64 (c,)."""
    count = stop - start
    for at in range(count):
        place = np.searchsorted(common, values[start + at])
        if place < len(common) and common[place] == values[start + at]:
            marks[max(0, at - WIDTH + 1) : min(count, at + WIDTH)] = 1


@kernel
def _blend(state: np.uint64, value: np.uint64) -> np.uint64:
    """Adds a 64-bit value to a 64-bit hash."""
    state = (state ^ value) * np.uint64(0xFF51AFD7ED558CCD)
    return state ^ (state >> np.uint64(32))


@kernel
def _winnow(values: np.ndarray, start: Integer, stop: Integer, chosen: np.ndarray, place: Integer) -> Integer:
    """Chooses runs of the shingles start..stop; in a stretch shorter than a window one. The next free place."""
    reach = SPAN - WIDTH
    last = np.int64(-1)
    for first in range(start, max(start + 1, stop - reach - WINDOW + 1)):
        best, least = np.int64(-1), np.uint64(0)
        for run in range(first, min(first + WINDOW, stop - reach)):
            hashed = _blend(_blend(np.uint64(SPAN), values[run]), values[run + reach])  # names all eight words
            if best < 0 or hashed <= least:
                best, least = np.int64(run), hashed
        if best >= 0 and best != last:
            chosen[place] = least
            place += 1
            last = best
    return place


@kernel
def _choose(
    bounds: np.ndarray, values: np.ndarray, common: np.ndarray, rest: bool, chosen: np.ndarray, ends: np.ndarray
) -> None:
    """int64 (n + 1,), uint64 (total,) -> `chosen` uint64 (total + n,), `ends` int64 (n + 1,)."""
    place: Integer = np.int64(0)
    for row in range(len(bounds) - 1):
        start, stop, first = bounds[row], bounds[row + 1], place
        marks = np.zeros(stop - start, np.uint8)
        _mark_common(values, start, stop, common, marks)
        remains, left = np.uint64(0x9E3779B97F4A7C15), 0
        at = start
        while at < stop:
            end = at
            while end < stop and marks[end - start] == 0:
                remains = _blend(remains, values[end])
                end += 1
            left += end - at
            place = _winnow(values, at, end, chosen, place)
            at = end + 1
        if rest and left > 1:
            chosen[place] = remains
            place += 1
        found = chosen[first:place]
        found.sort()
        place = first
        for value in found:
            if place == first or value != chosen[place - 1]:
                chosen[place] = value
                place += 1
        ends[row + 1] = place
