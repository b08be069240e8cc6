"""What one compiled pass counts in each text: characters by kind, words, lines by form, links, tags.

Signals are shares and differences of these counts. The kinds of characters come from the Unicode 3.2 database that
every Python carries unchanged (`text/scripts`), so a count is the same on every machine; later letters count as
letters, later pictures (emoji) as symbols.
"""

import functools
import unicodedata
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tuneloom.text.kernels import kernel, read_only, text_buffers
from tuneloom.text.scripts import TABLE_SIZE, UNSPACED, classes

LETTER, DIGIT, SPACE, JOINER, ALONE = 1, 2, 4, 8, 16
"""Bits of a character's kind: `JOINER` (marks, `_`) belongs to words, `ALONE` is a letter that is a word by itself."""

STOP_WORDS = (b"the", b"be", b"to", b"of", b"and", b"that", b"have", b"with")
"""Gopher's list (Rae et al. 2021, appendix A.1.1)."""
_LONGEST_STOP_WORD = 1 << 32
"""As a number: four letters."""
SHORT_LINE = 30
"""Characters below which FineWeb (Penedo et al. 2024) calls a line short."""


class Counts(NamedTuple):
    """Of n texts, each int64 (n,)."""

    characters: np.ndarray
    letters: np.ndarray
    digits: np.ndarray
    spaces: np.ndarray
    unspaced: np.ndarray
    """characters of scripts without spaces"""
    words: np.ndarray
    """after UAX #29, near enough: `don't 吃饭` has three"""
    longest_run: np.ndarray
    """the same character so many times running; blanks and rules (`----`) are not counted"""
    parentheses: np.ndarray
    chunks: np.ndarray
    """what stands between blanks, links left out"""
    chunk_characters: np.ndarray
    lettered_chunks: np.ndarray
    """those that have a letter"""
    stop_words: np.ndarray
    """how many of the eight of `STOP_WORDS` occur"""
    ellipses: np.ndarray
    """`...`, `…` and `#`: Gopher's symbols"""
    links: np.ndarray
    """characters of http(s):// and www. links"""
    tags: np.ndarray
    """characters of HTML tags"""
    lines: np.ndarray
    """lines that are not blank, as all below"""
    longest_line: np.ndarray
    short_lines: np.ndarray
    bullets: np.ndarray
    """lines that begin with a bullet"""
    trailing: np.ndarray
    """lines that end in an ellipsis"""
    stopped: np.ndarray
    """lines that end in a mark of punctuation"""
    fences: np.ndarray
    """lines that open or close a block of code"""


def count(texts: pa.LargeStringArray) -> Counts:
    """Counts of n texts: ["Go, go."] -> characters 7, letters 4, words 2, lines 1, ..."""
    text, bounds = text_buffers(texts)
    out = np.zeros((len(Counts._fields), len(texts)), np.int64)
    _count_characters(text, bounds, character_kinds(), out[:8])
    _count_chunks(text, bounds, character_kinds(), _stop_words(), out[8:15])
    _count_lines(text, bounds, out[15:])
    return Counts(*out)


@functools.cache
def character_kinds() -> np.ndarray:
    """Kind of each code point, uint8 (TABLE_SIZE,), read-only: "a" -> LETTER, "中" -> LETTER | ALONE, "%" -> 0."""
    frozen = unicodedata.ucd_3_2_0
    table = np.zeros(TABLE_SIZE, np.uint8)
    for point in range(TABLE_SIZE):
        category = frozen.category(chr(point))
        if category[0] == "L" or (category == "Cn" and point < 0x1D000):
            table[point] = LETTER
        elif category[0] == "N":
            table[point] = DIGIT
        elif category[0] == "Z" or chr(point) in "\t\n\v\f\r\x85":
            table[point] = SPACE
        elif category[0] == "M" or chr(point) == "_":
            table[point] = JOINER
    table[classes() == UNSPACED] |= LETTER | ALONE
    return read_only(table)


def same_text(texts: pa.LargeStringArray, others: pa.LargeStringArray) -> np.ndarray:
    """Whether two texts are the same but for the amount of white space, bool (n,): " Say\n it", "Say it" -> True."""
    same = np.zeros(len(texts), np.bool_)
    _compare(*text_buffers(texts), *text_buffers(others), character_kinds(), same)
    return same


@functools.cache
def _stop_words() -> np.ndarray:
    """Each of `STOP_WORDS` as a number, its bytes read in base 256: uint64 (8,)."""
    return read_only(np.array([int.from_bytes(word, "big") for word in STOP_WORDS], np.uint64))


@kernel
def decode(text, at):  # type: ignore[no-untyped-def]
    """The code point that begins at byte `at` of valid UTF-8 uint8 (bytes,), and where the next begins."""
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
def kind_of(point, kinds):  # type: ignore[no-untyped-def]
    """The kind of a code point; above the table lie Han to 0x3FFFF and nothing else that counts."""
    if point < len(kinds):
        return np.int64(kinds[point])
    return LETTER | ALONE if point < 0x40000 else 0


@kernel
def _count_characters(text, bounds, kinds, out):  # type: ignore[no-untyped-def]
    """Fills the first eight rows of `Counts`, int64 (8, n), of texts uint8 (bytes,) between int64 `bounds` (n + 1,)."""
    for row in range(len(bounds) - 1):
        at, end = bounds[row], bounds[row + 1]
        characters, letters, digits, spaces, unspaced, words, longest, parentheses = 0, 0, 0, 0, 0, 0, 0, 0
        in_word, run, last = False, 0, np.int64(-1)
        while at < end:
            point, at = decode(text, at)
            kind = kind_of(point, kinds)
            characters += 1
            if kind & ALONE:
                unspaced += 1
                words += 1
            elif kind & (LETTER | DIGIT | JOINER):
                words += not in_word
            letters += kind & LETTER
            digits += (kind & DIGIT) != 0
            spaces += (kind & SPACE) != 0
            parentheses += point == 0x28 or point == 0x29
            run = run + 1 if point == last and kind & (LETTER | DIGIT) else 1
            longest = max(longest, run)
            last = point
            apostrophe = (point == 0x27 or point == 0x2019) and at < end
            if in_word and apostrophe:
                following, _ = decode(text, at)
                in_word = kind_of(following, kinds) in (LETTER, DIGIT)
            else:
                in_word = (kind & (LETTER | DIGIT | JOINER)) != 0 and not kind & ALONE
        out[0, row], out[1, row], out[2, row], out[3, row] = characters, letters, digits, spaces
        out[4, row], out[5, row], out[6, row], out[7, row] = unspaced, words, longest, parentheses


@kernel
def _count_chunks(text, bounds, kinds, stop_words, out):  # type: ignore[no-untyped-def]
    """Fills the next seven rows of `Counts`, int64 (7, n)."""
    for row in range(len(bounds) - 1):
        at, end = bounds[row], bounds[row + 1]
        chunks, in_chunks, lettered, seen, ellipses, links, tags = 0, 0, 0, 0, 0, 0, 0
        size, has_letter, word, tag_end, linked = 0, 0, np.uint64(0), np.int64(0), False
        while at <= end:
            point, after = (np.int64(32), at + 1) if at == end else decode(text, at)
            kind = kind_of(point, kinds)
            if kind & SPACE:
                if size:
                    chunks += 1
                    in_chunks += size
                    lettered += has_letter
                size, has_letter, linked = 0, 0, False
            else:
                if not linked and (point == 0x68 or point == 0x77):
                    linked = _begins_link(text, at, end)
                if point >= 0x80 or point == 0x3C or point == 0x3E or point == 0x22:
                    linked = False
                links += linked
                if not linked:
                    size += 1
                    has_letter |= kind & LETTER
            ellipses += point == 0x23 or point == 0x2026 or (point == 0x2E and _is_dots(text, at, end))
            if point == 0x3C and at < end:
                tag_end = max(tag_end, _tag_end(text, at, end))
            tags += at < tag_end
            if point < 0x80 and kind & LETTER:
                word = (word << np.uint64(8)) | np.uint64(point | 0x20)
            else:
                if 0 < word < _LONGEST_STOP_WORD:
                    for number in range(len(stop_words)):
                        if word == stop_words[number]:
                            seen |= 1 << number
                word = np.uint64(0)
            at = after
        out[0, row], out[1, row], out[2, row], out[4, row] = chunks, in_chunks, lettered, ellipses
        out[5, row], out[6, row] = links, tags
        for number in range(len(stop_words)):
            out[3, row] += (seen >> number) & 1


@kernel
def _begins_link(text, at, end):  # type: ignore[no-untyped-def]
    """Whether `http://`, `https://` or `www.` stands at byte `at`."""
    if text[at] == 0x68:  # h
        if end - at < 8 or text[at + 1] != 0x74 or text[at + 2] != 0x74 or text[at + 3] != 0x70:
            return False
        colon = at + 5 if text[at + 4] == 0x73 else at + 4
        return text[colon] == 0x3A and text[colon + 1] == 0x2F and text[colon + 2] == 0x2F
    if text[at] != 0x77 or end - at < 5:  # w
        return False
    return text[at + 1] == 0x77 and text[at + 2] == 0x77 and text[at + 3] == 0x2E


@kernel
def _is_dots(text, at, end):  # type: ignore[no-untyped-def]
    """Whether just three or more dots begin at byte `at`."""
    return end - at >= 3 and text[at + 1] == 0x2E and text[at + 2] == 0x2E and (at == 0 or text[at - 1] != 0x2E)


@kernel
def _tag_end(text, at, end):  # type: ignore[no-untyped-def]
    """Where the tag that begins with `<` at byte `at` ends; `at` where none does (`a < b`, `List<int>`)."""
    following = np.int64(text[at + 1]) if at + 1 < end else np.int64(0)
    before = np.int64(text[at - 1]) if at > 0 else np.int64(0)
    opens = 0x61 <= (following | 0x20) <= 0x7A and not 0x61 <= (before | 0x20) <= 0x7A
    if not (opens or following == 0x2F or following == 0x21):
        return at
    for place in range(at + 1, min(end, at + 200)):
        if text[place] == 0x3C:
            return at
        if text[place] == 0x3E:
            return place + 1
    return at


@kernel
def _count_lines(text, bounds, out):  # type: ignore[no-untyped-def]
    """Fills the last seven rows of `Counts`, int64 (7, n)."""
    for row in range(len(bounds) - 1):
        start, end = bounds[row], bounds[row + 1]
        while start < end:
            stop = start
            while stop < end and text[stop] != 0x0A:
                stop += 1
            first, last = start, stop
            while first < last and (text[first] == 0x20 or 0x09 <= text[first] <= 0x0D):
                first += 1
            while last > first and (text[last - 1] == 0x20 or 0x09 <= text[last - 1] <= 0x0D):
                last -= 1
            if last > first:
                length = 0
                for place in range(start, stop):
                    length += (text[place] & 0xC0) != 0x80
                out[0, row] += 1
                out[1, row] = max(out[1, row], length)
                out[2, row] += length < SHORT_LINE
                out[3, row] += _is_bullet(text, first, last)
                out[4, row] += _ends_in_dots(text, first, last)
                out[5, row] += _ends_in_a_mark(text, first, last)
                out[6, row] += (
                    last - first >= 3 and text[first] == 0x60 and text[first + 1] == 0x60 and text[first + 2] == 0x60
                )
            start = stop + 1


@kernel
def _is_bullet(text, first, last):  # type: ignore[no-untyped-def]
    """`- a`, `* a`, `+ a` or `•`, `‣`, `◦`, `▪`, `●`, `·`."""
    if text[first] in (0x2D, 0x2A, 0x2B):
        return last - first > 1 and text[first + 1] == 0x20
    if text[first] < 0xC2:
        return False
    point, _ = decode(text, first)
    return point in (0x2022, 0x2023, 0x25E6, 0x25AA, 0x25CF, 0x00B7)


@kernel
def _last_point(text, first, last):  # type: ignore[no-untyped-def]
    """The last code point between two bytes."""
    at = last - 1
    while at > first and (text[at] & 0xC0) == 0x80:
        at -= 1
    point, _ = decode(text, at)
    return point


@kernel
def _ends_in_dots(text, first, last):  # type: ignore[no-untyped-def]
    """`...` or `…`."""
    if last - first >= 3 and text[last - 1] == 0x2E and text[last - 2] == 0x2E and text[last - 3] == 0x2E:
        return True
    return _last_point(text, first, last) == 0x2026


@kernel
def _ends_in_a_mark(text, first, last):  # type: ignore[no-untyped-def]
    """`.`, `!`, `?`, `;`, `:`, a closing quote or bracket, or their full-width kin."""
    point = _last_point(text, first, last)
    if point < 0x80:
        return point in (0x2E, 0x21, 0x3F, 0x3B, 0x3A, 0x22, 0x27, 0x29)
    return point in (0x3002, 0xFF01, 0xFF1F, 0xFF1B, 0xFF1A, 0x2026, 0x201D, 0x2019, 0x300D, 0x300F, 0xFF09, 0xFF0E)


@kernel
def _compare(text, bounds, other, other_bounds, kinds, same):  # type: ignore[no-untyped-def]
    """Fills `same` bool (n,) for texts uint8 (bytes,) between int64 `bounds` (n + 1,), and others likewise."""
    for row in range(len(bounds) - 1):
        at, end = _skip_blanks(text, bounds[row], bounds[row + 1], kinds), bounds[row + 1]
        there, stop = _skip_blanks(other, other_bounds[row], other_bounds[row + 1], kinds), other_bounds[row + 1]
        while at < end and there < stop:
            point, after = decode(text, at)
            opposite, beyond = decode(other, there)
            blank, blank_there = kind_of(point, kinds) & SPACE, kind_of(opposite, kinds) & SPACE
            if blank and blank_there:
                at, there = _skip_blanks(text, after, end, kinds), _skip_blanks(other, beyond, stop, kinds)
            elif point == opposite:
                at, there = after, beyond
            else:
                break
        same[row] = _skip_blanks(text, at, end, kinds) == end and _skip_blanks(other, there, stop, kinds) == stop


@kernel
def _skip_blanks(text, at, end, kinds):  # type: ignore[no-untyped-def]
    """The first byte from `at` on that begins no blank."""
    while at < end:
        point, after = decode(text, at)
        if not kind_of(point, kinds) & SPACE:
            return at
        at = after
    return at
