"""N-grams: every run of n words of a text, for overlap between a text and an evaluation item (GPT-3, appendix C).

A character of a script without spaces (Han, Kana, Thai, ...) counts as two thirds of a word, so that a run of 8 words
of English is one of 12 characters of Chinese, and of something between where both are mixed. Measured on 1,000 Alpaca
rows of either language: an answer has 99 words or 141 characters (8 words: 11.4), and a run of 8 words turns up in an
unrelated row as often as one of 11 characters; rounded up. A text of fewer words has none.
"""

from dataclasses import dataclass

import numpy as np

from tuneloom.text.kernels import kernel, read_only
from tuneloom.text.shingles import Words

_WORD, _CHARACTER = 3, 2


@dataclass(frozen=True)
class Ngrams:
    """N-grams of n texts as 64-bit hashes, in order of place: those of text i are values[bounds[i] : bounds[i + 1]]."""

    bounds: np.ndarray
    """int64 (n + 1,)"""
    values: np.ndarray
    """uint64 (total,); repeats are kept"""

    def __len__(self) -> int:
        return len(self.bounds) - 1


def ngrams(words: Words, length: int) -> Ngrams:
    """The runs of `length` words of n texts: "a b c d" by 3 -> a b c, b c d; "a b" -> none.

    From each word on, the shortest run that weighs as much as `length` words of a spaced script.
    """
    values, ends = np.empty(len(words.hashes), np.uint64), np.zeros(len(words) + 1, np.int64)
    _hash_runs(words.bounds, words.hashes, words.unspaced, length * _WORD, values, ends)
    return Ngrams(read_only(ends), read_only(values[: ends[-1]].copy()))


def sizes(words: Words) -> np.ndarray:
    """How many words of a spaced script each of n texts weighs, float64 (n,): "a b" -> 2.0, 12 Han -> 8.0."""
    weights = np.where(words.unspaced == 1, _CHARACTER, _WORD)
    total = np.concatenate([np.zeros(1, np.int64), np.cumsum(weights, dtype=np.int64)])
    return (total[words.bounds[1:]] - total[words.bounds[:-1]]) / _WORD


@kernel
def _hash_runs(
    bounds: np.ndarray, hashes: np.ndarray, unspaced: np.ndarray, needed: int, values: np.ndarray, ends: np.ndarray
) -> None:
    """Polynomial hashes of all runs, each from the one before: int64 (n + 1,), uint64 (w,), uint8 (w,) -> `values`
    uint64 (w,), `ends` int64 (n + 1,)."""
    base = np.uint64(0x9E3779B97F4A7C15)
    powers = np.ones(needed + 1, np.uint64)
    for power in range(1, needed + 1):
        powers[power] = powers[power - 1] * base
    place = np.int64(0)
    for row in range(len(bounds) - 1):
        state, weight, end = np.uint64(0), 0, bounds[row]
        for start in range(bounds[row], bounds[row + 1]):
            while weight < needed and end < bounds[row + 1]:
                state = state * base + hashes[end]
                weight += _CHARACTER if unspaced[end] else _WORD
                end += 1
            if weight < needed:
                break
            mixed = (state ^ (state >> np.uint64(32))) * np.uint64(0xFF51AFD7ED558CCD)
            values[place] = mixed ^ (mixed >> np.uint64(29))
            place += 1
            state -= hashes[start] * powers[end - start - 1]
            weight -= _CHARACTER if unspaced[start] else _WORD
        ends[row + 1] = place
