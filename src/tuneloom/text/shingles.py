"""Shingles: the set of runs of five words that a text is compared by (Broder, 1997).

A word is what stands between spaces; in scripts without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar) each character
is one, so Chinese has runs of five characters and a mixed text runs over both. In code, names, signs and the
indentation of each line are words. A text of fewer than five words is one shingle of its own: never lost, and equal
to that very text alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tuneloom.text.kernels import Integer, kernel, read_only, text_buffers
from tuneloom.text.scripts import TABLE_SIZE, UNSPACED, classes

WIDTH = 5
"""Words in a shingle."""

_SEED, _PRIME = 0xCBF29CE484222325, 0x100000001B3  # Fowler, Noll and Vo's, for words


@dataclass(frozen=True)
class Shingles:
    """Shingles of n texts as 64-bit hashes: those of text i are values[bounds[i] : bounds[i + 1]], at least one."""

    bounds: np.ndarray
    """int64 (n + 1,)"""
    values: np.ndarray
    """uint64 (total,); sorted and without repeats in each text where they were asked for as sets"""

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @classmethod
    def in_file(cls, path: Path, counts: np.ndarray) -> "Shingles":
        """Those in a file of uint64, `counts` int64 (n,) of each text; pages are read as they are looked at."""
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
        values = np.asarray(np.memmap(path, np.uint64, "r")) if bounds[-1] else np.empty(0, np.uint64)
        return cls(read_only(bounds), read_only(values))


def shingles(folded: pa.LargeStringArray, code: np.ndarray, *, seed: int = 0, as_sets: bool = True) -> Shingles:
    """Shingles of n folded texts (`keys.fold`); `code` uint8 (n,) as there. `as_sets` sorts them and drops repeats.

    "the cat sat on the mat" -> {the cat sat on the, cat sat on the mat}; "一二三四五六" -> {一二三四五, 二三四五六}.
    Shingles of different seeds never meet.
    """
    text, bounds = text_buffers(folded)
    values = np.empty(bounds[-1] - bounds[0] + len(folded), np.uint64)
    ends = np.zeros(len(folded) + 1, np.int64)
    _hash_shingles(text, bounds, read_only(code), classes(), np.uint64(seed * 2 + 1), values, ends)
    found = Shingles(read_only(ends), read_only(values[: ends[-1]].copy()))
    return sets_of_rows(found, np.arange(len(found))) if as_sets else found


def sets_of_rows(sequences: Shingles, rows: np.ndarray) -> Shingles:
    """The sets of the texts `rows` int64 (k,): sorted, each shingle once; [b, a, b] -> [a, b]."""
    values = np.empty(int(np.diff(sequences.bounds)[rows].sum()), np.uint64)
    bounds = np.zeros(len(rows) + 1, np.int64)
    _sort_rows(sequences.bounds, sequences.values, read_only(rows), values, bounds)
    return Shingles(read_only(bounds), read_only(values[: bounds[-1]].copy()))


@dataclass(frozen=True)
class Words:
    """The words of n texts in order: those of text i are [bounds[i] : bounds[i + 1]], none where it is empty."""

    bounds: np.ndarray
    """int64 (n + 1,)"""
    hashes: np.ndarray
    """uint64 (total,): one for each word; equal words have equal hashes"""
    unspaced: np.ndarray
    """uint8 (total,): 1 where the word is one character of a script without spaces"""

    def __len__(self) -> int:
        return len(self.bounds) - 1


def words(folded: pa.LargeStringArray) -> Words:
    """The words of n texts folded as prose: "用 python" -> 用 (unspaced), python."""
    text, bounds = text_buffers(folded)
    most = bounds[-1] - bounds[0]
    hashes, unspaced = np.empty(most, np.uint64), np.empty(most, np.uint8)
    ends = np.zeros(len(folded) + 1, np.int64)
    _hash_words(text, bounds, classes(), hashes, unspaced, ends)
    return Words(read_only(ends), read_only(hashes[: ends[-1]].copy()), read_only(unspaced[: ends[-1]].copy()))


def joined(pieces: Sequence[Shingles]) -> Shingles:
    """The texts of several pieces, one after the other."""
    counts = [np.diff(piece.bounds) for piece in pieces]
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(counts or [np.empty(0, np.int64)]))])
    values = np.concatenate([piece.values for piece in pieces] or [np.empty(0, np.uint64)])
    return Shingles(read_only(bounds.astype(np.int64)), read_only(values))


@kernel
def _blend(state: np.uint64, value: np.uint64) -> np.uint64:
    """Adds a 64-bit value to a 64-bit hash."""
    state = (state ^ value) * np.uint64(0xFF51AFD7ED558CCD)
    return state ^ (state >> np.uint64(32))


@kernel
def _unspaced_at(text: np.ndarray, at: Integer, classes: np.ndarray) -> Integer:
    """Bytes of the character at `at` if it is its own word, else 0; `text` uint8 (bytes,) from `keys.fold`."""
    head = np.int64(text[at])
    if head < 0xE0:
        return 0
    if head < 0xF0:
        point = (head & 0x0F) << 12 | np.int64(text[at + 1] & 0x3F) << 6 | np.int64(text[at + 2] & 0x3F)
        return 3 if classes[point] == UNSPACED else 0
    point = (head & 0x07) << 18 | np.int64(text[at + 1] & 0x3F) << 12 | np.int64(text[at + 2] & 0x3F) << 6
    if point < TABLE_SIZE:
        return 4 if classes[point | np.int64(text[at + 3] & 0x3F)] == UNSPACED else 0
    return 4 if point < 0x40000 else 0


@kernel
def _hash_to(text: np.ndarray, at: Integer, end: Integer) -> tuple[np.uint64, Integer]:
    """Hash of the bytes at..end, and `end`."""
    word = np.uint64(_SEED)
    for byte in range(at, end):
        word = (word ^ np.uint64(text[byte])) * np.uint64(_PRIME)
    return word, end


@kernel
def _hash_word(text: np.ndarray, at: Integer, stop: Integer, classes: np.ndarray) -> tuple[np.uint64, Integer]:
    """Hash of the word of prose that starts at `at`, and where it ends."""
    width = _unspaced_at(text, at, classes)
    if width:
        return _hash_to(text, at, at + width)
    word = np.uint64(_SEED)
    while at < stop and text[at] != 32 and (text[at] < 0xE0 or _unspaced_at(text, at, classes) == 0):
        word = (word ^ np.uint64(text[at])) * np.uint64(_PRIME)
        at += 1
        while at < stop and text[at] & 0xC0 == 0x80:
            word = (word ^ np.uint64(text[at])) * np.uint64(_PRIME)
            at += 1
    return word, at


@kernel
def _code_word_end(text: np.ndarray, at: Integer, stop: Integer) -> Integer:
    """Behind the word of code that starts at `at`: a line's indentation, a name or number, or a sign."""
    if text[at] == 10:
        at += 1
        while at < stop and (text[at] == 32 or text[at] == 9):
            at += 1
        return at
    start = at
    while at < stop:
        byte = text[at]
        name = byte >= 128 or byte == 95 or 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122
        if not name:
            break
        at += 1
    return at if at > start else at + 1


@kernel
def _close(window: np.ndarray, count: Integer, seed: np.uint64) -> np.uint64:
    """Hash of the last WIDTH of `count` words, or of all; `window` uint64 (WIDTH,) is a ring of word hashes."""
    state = _blend(np.uint64(0x9E3779B97F4A7C15), seed)
    width = min(count, WIDTH)
    for back in range(count - width, count):
        state = _blend(state, window[back % WIDTH])
    return _blend(state, np.uint64(width))


@kernel
def _hash_shingles(
    text: np.ndarray,
    bounds: np.ndarray,
    code: np.ndarray,
    classes: np.ndarray,
    seed: np.uint64,
    values: np.ndarray,
    ends: np.ndarray,
) -> None:
    """uint8 (bytes,), int64 (n + 1,), uint8 (n,) -> `values` uint64 (bytes + n,), `ends` int64 (n + 1,)."""
    window = np.zeros(WIDTH, np.uint64)
    place: Integer = np.int64(0)
    for row in range(len(bounds) - 1):
        at, stop, count = bounds[row], bounds[row + 1], np.int64(0)
        while at < stop:
            if text[at] == 32 or (code[row] != 0 and text[at] == 9):
                at += 1
                continue
            if code[row] != 0:
                word, at = _hash_to(text, at, _code_word_end(text, at, stop))
            else:
                word, at = _hash_word(text, at, stop, classes)
            window[count % WIDTH] = word
            count += 1
            if count >= WIDTH:
                values[place] = _close(window, count, seed)
                place += 1
        if count < WIDTH:
            values[place] = _close(window, count, seed)
            place += 1
        ends[row + 1] = place


@kernel
def _sort_rows(bounds: np.ndarray, values: np.ndarray, rows: np.ndarray, out: np.ndarray, ends: np.ndarray) -> None:
    """int64 (n + 1,), uint64 (total,), int64 (k,) -> `out` uint64, `ends` int64 (k + 1,)."""
    place: Integer = np.int64(0)
    for number in range(len(rows)):
        first, start, stop = place, bounds[rows[number]], bounds[rows[number] + 1]
        found = out[first : first + stop - start]
        found[:] = values[start:stop]
        found.sort()
        place = first + min(1, stop - start)
        for value in found:
            if value != out[place - 1]:
                out[place] = value
                place += 1
        ends[number + 1] = place


@kernel
def _hash_words(
    text: np.ndarray,
    bounds: np.ndarray,
    classes: np.ndarray,
    hashes: np.ndarray,
    unspaced: np.ndarray,
    ends: np.ndarray,
) -> None:
    """uint8 (bytes,), int64 (n + 1,) -> `hashes` uint64 and `unspaced` uint8 (bytes,), `ends` int64 (n + 1,)."""
    place: Integer = np.int64(0)
    for row in range(len(bounds) - 1):
        at, stop = bounds[row], bounds[row + 1]
        while at < stop:
            if text[at] == 32:
                at += 1
                continue
            word, end = _hash_word(text, at, stop, classes)
            hashes[place] = _blend(word, np.uint64(end - at))
            unspaced[place] = _unspaced_at(text, at, classes) > 0
            place += 1
            at = end
        ends[row + 1] = place
