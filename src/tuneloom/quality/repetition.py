"""How much a text repeats itself: by n-grams of words (a sign is a word where the script has no spaces), by runs of
characters, by lines and paragraphs; one compiled pass each.

The measures are Gopher's (Rae et al. 2021, appendix A.1.1), as datatrove counts them, over the characters of words
alone; and data-juicer's word and character repetition.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tuneloom.quality.counts import ALONE, DIGIT, JOINER, LETTER, character_kinds
from tuneloom.text.kernels import kernel, text_buffers
from tuneloom.text.scripts import folds

TOP = (2, 3, 4)
"""Words of the n-grams whose commonest is looked for."""
DUPLICATE = (5, 6, 7, 8, 9, 10)
"""Words of the n-grams whose repeats are added up."""
WORD_RUN = 10
CHARACTER_RUN = 10
"""Length of the runs that data-juicer's two measures count."""


class Repetition(NamedTuple):
    """Of n texts."""

    top: np.ndarray
    """float64 (3, n): share of the words' characters in the commonest n-gram of 2, 3, 4 words; 0 where none repeats"""
    duplicate: np.ndarray
    """float64 (6, n): share in n-grams of 5 to 10 words that stood in the text before"""
    words: np.ndarray
    """float64 (n,): share of the runs of 10 words that occur more than once"""
    characters: np.ndarray
    """float64 (n,): share of the runs of 10 characters that are among the commonest repeated ones"""
    units: np.ndarray
    """float64 (4, n): share of lines that stood before, of paragraphs; of characters in such lines, paragraphs"""


def repetition(texts: pa.LargeStringArray) -> Repetition:
    """Of n texts: ["go now go now go now"] -> the commonest 2-gram, "go now", has all characters: top[0] = [1.0]."""
    text, bounds = text_buffers(texts)
    hashes, lengths, words = _words(text, bounds, character_kinds(), folds())
    top, duplicate = np.zeros((len(TOP), len(texts))), np.zeros((len(DUPLICATE), len(texts)))
    run_words, characters, units = np.zeros(len(texts)), np.zeros(len(texts)), np.zeros((4, len(texts)))
    _repeat_words(hashes, lengths, words, top, duplicate, run_words)
    _repeat_characters(text, bounds, characters)
    _repeat_units(text, bounds, units)
    return Repetition(top, duplicate, run_words, characters, units)


@kernel
def _decode(text, at):  # type: ignore[no-untyped-def]
    """As `counts.decode`: a kernel calls only kernels of its own module."""
    first = np.int64(text[at])
    if first < 0x80:
        return first, at + 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (text[at + 1] & 0x3F), at + 2
    if first < 0xF0:
        return ((first & 0x0F) << 12) | ((text[at + 1] & 0x3F) << 6) | (text[at + 2] & 0x3F), at + 3
    tail = ((text[at + 1] & 0x3F) << 12) | ((text[at + 2] & 0x3F) << 6) | (text[at + 3] & 0x3F)
    return ((first & 0x07) << 18) | tail, at + 4


@kernel
def _words(text, bounds, kinds, folded):  # type: ignore[no-untyped-def]
    """Words of texts uint8 (bytes,): hashes without case uint64 (w,), characters int32 (w,), bounds int64 (n + 1,)."""
    hashes, lengths = np.empty(len(text) + 1, np.uint64), np.empty(len(text) + 1, np.int32)
    ends = np.zeros(len(bounds), np.int64)
    count = np.int64(0)
    for row in range(len(bounds) - 1):
        at, end = bounds[row], bounds[row + 1]
        size, value = np.int32(0), np.uint64(0)
        while at < end:
            point, at = _decode(text, at)
            kind = np.int64(kinds[point]) if point < len(kinds) else (LETTER | ALONE if point < 0x40000 else 0)
            part = kind & (LETTER | DIGIT | JOINER)
            joins = size and (point == 0x27 or point == 0x2019) and at < end
            if joins:
                following, _ = _decode(text, at)
                joins = following < len(kinds) and (kinds[following] == LETTER or kinds[following] == DIGIT)
            if size and (kind & ALONE or not (part or joins)):
                hashes[count], lengths[count] = value, size
                count, size, value = count + 1, np.int32(0), np.uint64(0)
            if part or joins:
                value = (value + np.uint64(folded[point] if point < len(folded) else point)) * np.uint64(
                    0x9E3779B97F4A7C15
                )
                value ^= value >> np.uint64(29)
                size += np.int32(1)
            if kind & ALONE:
                hashes[count], lengths[count] = value, size
                count, size, value = count + 1, np.int32(0), np.uint64(0)
        if size:
            hashes[count], lengths[count] = value, size
            count += 1
        ends[row + 1] = count
    return hashes[:count].copy(), lengths[:count].copy(), ends


@kernel
def _room(entries):  # type: ignore[no-untyped-def]
    """Places of a hash table that stays half empty: a power of two."""
    size = 16
    while size < 2 * entries:
        size *= 2
    return size


@kernel
def _place(keys, stamps, stamp, mask, key):  # type: ignore[no-untyped-def]
    """Where `key` lies or belongs among the places of this round, those whose stamp is `stamp`."""
    place = (key ^ (key >> np.uint64(31))) & mask
    while stamps[place] == stamp and keys[place] != key:
        place = (place + np.uint64(1)) & mask
    return place


@kernel
def _repeat_words(hashes, lengths, bounds, top, duplicate, run_words):  # type: ignore[no-untyped-def]
    """Fills `top` (3, n), `duplicate` (6, n) and `run_words` (n,) from words between int64 `bounds` (n + 1,)."""
    most = np.int64(0)
    for row in range(len(bounds) - 1):
        most = max(most, bounds[row + 1] - bounds[row])
    room = _room(most)
    keys, stamps, counts = np.empty(room, np.uint64), np.zeros(room, np.int64), np.empty(room, np.int64)
    stamp = np.int64(0)
    for row in range(len(bounds) - 1):
        start, end = bounds[row], bounds[row + 1]
        total = 0
        for word in range(start, end):
            total += lengths[word]
        mask = np.uint64(_room(end - start) - 1)
        for number in range(len(top)):
            stamp += 1
            share = _commonest(hashes, lengths, start, end, 2 + number, keys, stamps, counts, stamp, mask)
            top[number, row] = min(1.0, share / max(1, total))
        for number in range(len(duplicate)):
            stamp += 1
            share = _repeated(hashes, lengths, start, end, 5 + number, keys, stamps, stamp, mask)
            duplicate[number, row] = share / max(1, total)
        stamp += 1
        runs = end - start - WORD_RUN + 1
        if runs > 0:
            run_words[row] = (
                _recurring(hashes, start, end, np.int64(WORD_RUN), keys, stamps, counts, stamp, mask) / runs
            )


@kernel
def _ngram(hashes, at, size):  # type: ignore[no-untyped-def]
    """Hash of the `size` words from `at` on."""
    value = np.uint64(0)
    for place in range(at, at + size):
        value = value * np.uint64(0x9E3779B97F4A7C15) + hashes[place]
    return value ^ (value >> np.uint64(32))


@kernel
def _commonest(hashes, lengths, start, end, size, keys, stamps, counts, stamp, mask):  # type: ignore[no-untyped-def]
    """Characters of the commonest n-gram times how often it occurs; 0 where none occurs twice."""
    best, characters = 1, 0
    for at in range(start, end - size + 1):
        key = _ngram(hashes, at, size)
        place = _place(keys, stamps, stamp, mask, key)
        if stamps[place] != stamp:
            stamps[place], keys[place], counts[place] = stamp, key, 0
        counts[place] += 1
        if counts[place] > best:
            best, characters = counts[place], 0
            for word in range(at, at + size):
                characters += lengths[word]
    return best * characters


@kernel
def _repeated(hashes, lengths, start, end, size, keys, stamps, stamp, mask):  # type: ignore[no-untyped-def]
    """Characters in n-grams that stood before; none is counted twice, for a repeat is stepped over."""
    characters, at = 0, start
    while at < end - size + 1:
        key = _ngram(hashes, at, size)
        place = _place(keys, stamps, stamp, mask, key)
        if stamps[place] == stamp:
            for word in range(at, at + size):
                characters += lengths[word]
            at += size
        else:
            stamps[place], keys[place] = stamp, key
            at += 1
    return characters


@kernel
def _recurring(hashes, start, end, size, keys, stamps, counts, stamp, mask):  # type: ignore[no-untyped-def]
    """How many runs of `size` words occur more than once, each occurrence counted."""
    recurring = 0
    for at in range(start, end - size + 1):
        key = _ngram(hashes, at, size)
        place = _place(keys, stamps, stamp, mask, key)
        if stamps[place] != stamp:
            stamps[place], keys[place], counts[place] = stamp, key, 0
        counts[place] += 1
        recurring += 1 if counts[place] > 2 else 2 if counts[place] == 2 else 0
    return recurring


@kernel
def _repeat_characters(text, bounds, share):  # type: ignore[no-untyped-def]
    """Fills `share` (n,): of a text's runs of 10 characters those among the most frequent that repeat, at most as many
    kinds as the root of all kinds (data-juicer's character repetition)."""
    longest = np.int64(0)
    for row in range(len(bounds) - 1):
        longest = max(longest, bounds[row + 1] - bounds[row])
    room = _room(longest)
    keys, stamps, counts = np.empty(room, np.uint64), np.zeros(room, np.int64), np.empty(room, np.int64)
    points, places = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.int64)
    high = np.uint64(1)
    for _ in range(CHARACTER_RUN):
        high *= np.uint64(0x9E3779B97F4A7C15)
    for row in range(len(bounds) - 1):
        at, length, kinds, value = bounds[row], 0, 0, np.uint64(0)
        mask = np.uint64(_room(bounds[row + 1] - at) - 1)
        while at < bounds[row + 1]:
            point, at = _decode(text, at)
            points[length] = np.uint64(point + 1)
            value = value * np.uint64(0x9E3779B97F4A7C15) + points[length]
            length += 1
            if length > CHARACTER_RUN:
                value -= points[length - 1 - CHARACTER_RUN] * high
            if length >= CHARACTER_RUN:
                place = _place(keys, stamps, row + 1, mask, value)
                if stamps[place] != row + 1:
                    stamps[place], keys[place], counts[place] = row + 1, value, 0
                    places[kinds] = place
                    kinds += 1
                counts[place] += 1
        if length > CHARACTER_RUN and kinds < length - CHARACTER_RUN + 1:
            share[row] = _most_frequent(counts, places[:kinds]) / (length - CHARACTER_RUN + 1)


@kernel
def _most_frequent(counts, places):  # type: ignore[no-untyped-def]
    """Sum of the largest counts above one, at most as many as the root of how many counts there are."""
    repeated = np.empty(len(places), np.int64)
    many = 0
    for place in places:
        if counts[place] > 1:
            repeated[many] = counts[place]
            many += 1
    ordered = np.sort(repeated[:many])[::-1]
    return ordered[: int(np.sqrt(len(places)))].sum()


@kernel
def _repeat_units(text, bounds, units):  # type: ignore[no-untyped-def]
    """Fills `units` (4, n) from lines and from paragraphs, which blank lines part."""
    longest = np.int64(0)
    for row in range(len(bounds) - 1):
        longest = max(longest, bounds[row + 1] - bounds[row])
    room = _room(longest // 2 + 2)
    keys, stamps = np.empty(room, np.uint64), np.zeros(room, np.int64)
    for row in range(len(bounds) - 1):
        for number in range(2):
            start, end = bounds[row], bounds[row + 1]
            stamp = 2 * row + number + 1
            count, again, characters, characters_again = 0, 0, 0, 0
            while start < end:
                stop = _unit_end(text, start, end, number == 1)
                value, size = _unit_hash(text, start, stop)
                start = stop + 1
                if size == 0:
                    continue
                place = _place(keys, stamps, stamp, np.uint64(room - 1), value)
                count += 1
                characters += size
                if stamps[place] == stamp:
                    again += 1
                    characters_again += size
                stamps[place], keys[place] = stamp, value
            units[number, row] = again / max(1, count)
            units[2 + number, row] = characters_again / max(1, characters)


@kernel
def _unit_end(text, start, end, paragraph):  # type: ignore[no-untyped-def]
    """The line break that ends the line, or the paragraph, from `start` on; `end` where none does."""
    for place in range(start, end):
        if text[place] == 0x0A:
            following = place + 1
            while following < end and text[following] in (0x20, 0x09, 0x0D):
                following += 1
            if not paragraph or (following < end and text[following] == 0x0A):
                return place
    return end


@kernel
def _unit_hash(text, start, stop):  # type: ignore[no-untyped-def]
    """Hash of the bytes without the blanks around them, and their characters."""
    while start < stop and (text[start] == 0x20 or 0x09 <= text[start] <= 0x0D):
        start += 1
    while stop > start and (text[stop - 1] == 0x20 or 0x09 <= text[stop - 1] <= 0x0D):
        stop -= 1
    value, size = np.uint64(0xCBF29CE484222325), 0
    for place in range(start, stop):
        value = (value ^ np.uint64(text[place])) * np.uint64(0x100000001B3)
        size += (text[place] & 0xC0) != 0x80
    return value, size
