"""Prompts and answers of flat lines, as the formats and `settle` would make them, by a compiled kernel.

Columns are joined and end marks stripped. A line whose words would be changed in any other way, or that would be
rejected, is left out: its state becomes OTHER, and it goes the way of every other row.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from tuneloom.ingest.checks import END_MARKS
from tuneloom.ingest.readers.flat_lines import FLAT, OTHER, FlatLines
from tuneloom.text.kernels import Integer, Truth, kernel, read_only

_MARKS = np.frombuffer("".join(END_MARKS).encode(), np.uint8)
_BOUNDS = np.cumsum([0, *map(len, END_MARKS)]).astype(np.int64)


@dataclass(frozen=True)
class Exchanges:
    """`text` uint8 (bytes,), UTF-8: the prompts and answers of n rows by turns, between `bounds` int64 (2 n + 1,).

    `lines` int64 (n,): the line of each row; `places` int64 (n, k, 2): where each of its k columns lies in `text`, from
    0 to 0 where it says nothing; `stripped` uint8 (n,): 1 where an end mark was taken from the answer.
    """

    text: np.ndarray
    bounds: np.ndarray
    lines: np.ndarray
    places: np.ndarray
    stripped: np.ndarray


def exchanges(found: FlatLines, given: Collection[int]) -> tuple[Exchanges, np.ndarray]:
    """What lines say whose columns are a prompt's and, last, an answer; and the states of all lines.

    [["Add.", "1 2", "3"]] -> text b"Add.\\n\\n1 23", bounds [0, 9, 11], places [[[0, 4], [6, 9], [9, 10]]]
    """
    columns = found.spans.shape[1]
    text, states = np.empty(len(found.data) + 2 * columns, np.uint8), found.states.copy()
    bounds, places = np.zeros(2 * len(states) + 1, np.int64), np.zeros_like(found.spans)
    marked = read_only(np.isin(np.arange(columns), list(given)).astype(np.uint8))
    stripped = np.zeros(len(states), np.uint8)
    _assemble(found.data, found.spans, marked, states, text, bounds, places, stripped)
    lines = np.flatnonzero(states == FLAT)
    bounds = bounds[: 2 * len(lines) + 1]
    return Exchanges(text[: bounds[-1]], bounds, lines, places[lines], stripped[: len(lines)]), states


def words_of(said: Exchanges, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Prompt and answer of each row, a line feed between, their first `most` characters: uint8 (bytes,) and int64
    (n + 1,)."""
    out, bounds = np.empty(len(said.text) + len(said.lines), np.uint8), np.zeros(len(said.lines) + 1, np.int64)
    _join(read_only(said.text), read_only(said.bounds), most, out, bounds)
    return out[: bounds[-1]], bounds


def cut(text: np.ndarray, spans: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stretches int64 (n, 2) of uint8 `text` one behind the other: uint8 (bytes,) and int64 (n + 1,)."""
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(spans[:, 1] - spans[:, 0])])
    out = np.empty(bounds[-1], np.uint8)
    _cut(read_only(text), read_only(np.ascontiguousarray(spans)), bounds, out)
    return out, bounds


@kernel
def _assemble(
    data: np.ndarray,
    spans: np.ndarray,
    given: np.ndarray,
    states: np.ndarray,
    text: np.ndarray,
    bounds: np.ndarray,
    places: np.ndarray,
    stripped: np.ndarray,
) -> None:
    """Fills `text`, `bounds`, `places` (by line) and `stripped` of Exchanges from `spans` int64 (n, k, 2) of `data`
    uint8 (bytes,); `given` uint8 (k,) marks the columns in which a mark may stand for no input."""
    row, answer = 0, spans.shape[1] - 1
    for line in range(len(states)):
        if states[line] != FLAT:
            continue
        begin = bounds[2 * row]
        place, sure, stripped[row] = begin, True, 0
        for column in range(answer + 1):
            if column == answer:
                sure = sure and place > begin
                bounds[2 * row + 1] = place
            start = place + 2 if begin < place and column < answer else place
            stop = _unescape(data, spans[line, column, 0], spans[line, column, 1], text, start)
            first, end = _strip(text, start, stop)
            if stop < 0 or (stop > start and _has_mark(text, start, stop)):
                sure = False
            if not sure:
                break
            if first == end:
                sure = column < answer
                continue
            if column == answer and text[end - 1] == 62:  # >
                end = _without_end_marks(text, first, end)
                stripped[row] = end > 0 and end < _strip(text, start, stop)[1]
                stop = end if stripped[row] else stop
            if end <= first or (given[column] and _is_no_input(text, first, end)):
                sure = False
                break
            if start > place:
                text[place], text[place + 1] = 10, 10
            places[line, column, 0], places[line, column, 1] = start, stop
            place = stop
        if sure:
            bounds[2 * row + 2] = place
            row += 1
        else:
            states[line] = OTHER


@kernel
def _unescape(data: np.ndarray, at: Integer, stop: Integer, out: np.ndarray, place: Integer) -> Integer:
    """Writes a JSON text's characters to `out` from `place` on; the next free place, or -1 for NUL, half of a character
    and what is no escape."""
    while at < stop:
        byte = data[at]
        if byte != 92:
            out[place] = byte
            place, at = place + 1, at + 1
            continue
        letter = data[at + 1]
        at += 2
        if letter == 117:
            point = _hex(data, at, stop)
            at += 4
            if 0xD800 <= point < 0xDC00 and at + 6 <= stop and data[at] == 92 and data[at + 1] == 117:
                low = _hex(data, at + 2, stop)
                if low < 0xDC00 or low > 0xDFFF:
                    return -1
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)
                at += 6
            elif point <= 0 or 0xD800 <= point < 0xE000:
                return -1
            place = _encode(point, out, place)
            continue
        if letter == 110:
            letter = np.uint8(10)
        elif letter == 116:
            letter = np.uint8(9)
        elif letter == 114:
            letter = np.uint8(13)
        elif letter == 98:
            letter = np.uint8(8)
        elif letter == 102:
            letter = np.uint8(12)
        elif letter != 34 and letter != 92 and letter != 47:
            return -1
        out[place] = letter
        place += 1
    return place


@kernel
def _hex(data: np.ndarray, at: Integer, stop: Integer) -> Integer:
    """The number that four hex digits write, -1 where there are none."""
    if at + 4 > stop:
        return -1
    value: Integer = 0
    for i in range(4):
        byte = np.int64(data[at + i])
        if 48 <= byte <= 57:
            value = value << 4 | (byte - 48)
        elif 97 <= (byte | 32) <= 102:
            value = value << 4 | ((byte | 32) - 87)
        else:
            return -1
    return value


@kernel
def _encode(point: Integer, out: np.ndarray, at: Integer) -> Integer:
    """Writes a code point as UTF-8; the next free place."""
    if point < 0x80:
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at], out[at + 1] = 0xC0 | point >> 6, 0x80 | point & 0x3F
        return at + 2
    if point < 0x10000:
        out[at], out[at + 1], out[at + 2] = 0xE0 | point >> 12, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F
        return at + 3
    out[at], out[at + 1] = 0xF0 | point >> 18, 0x80 | point >> 12 & 0x3F
    out[at + 2], out[at + 3] = 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F
    return at + 4


@kernel
def _strip(text: np.ndarray, start: Integer, stop: Integer) -> tuple[Integer, Integer]:
    """Where the text without white space at its ends begins and ends, as `str.strip` has it."""
    while start < stop:
        width = _space(text, start, stop)
        if width == 0:
            break
        start += width
    while start < stop:
        last = stop - 1
        while last > start and text[last] & 0xC0 == 0x80:
            last -= 1
        if _space(text, last, stop) == 0:
            break
        stop = last
    return start, max(start, stop)


@kernel
def _without_end_marks(text: np.ndarray, start: Integer, stop: Integer) -> Integer:
    """Where the text ends without the end marks behind it and the white space before them; -1 where `</s>` is one of
    them, which may close an HTML tag."""
    while start < stop:
        found = False
        for mark in range(len(_BOUNDS) - 1):
            length = _BOUNDS[mark + 1] - _BOUNDS[mark]
            same = stop - start >= length
            for i in range(length):
                if not same or text[stop - length + i] != _MARKS[_BOUNDS[mark] + i]:
                    same = False
                    break
            if same:
                if length == 4:
                    return -1
                stop, found = stop - length, True
                break
        if not found:
            break
        stop = _strip(text, start, stop)[1]
    return stop


@kernel
def _space(text: np.ndarray, at: Integer, stop: Integer) -> Integer:
    """The width in bytes of the white space at `at`; 0 for none."""
    byte = text[at]
    if byte < 0x80:
        return 1 if 9 <= byte <= 13 or 28 <= byte <= 32 else 0
    if byte == 0xC2:
        return 2 if at + 2 <= stop and (text[at + 1] == 0x85 or text[at + 1] == 0xA0) else 0
    if at + 3 > stop or byte < 0xE1 or byte > 0xE3:
        return 0
    point = np.int64(byte & 0x0F) << 12 | np.int64(text[at + 1] & 0x3F) << 6 | np.int64(text[at + 2] & 0x3F)
    spaces = point == 0x1680 or 0x2000 <= point <= 0x200A or 0x2028 <= point <= 0x2029
    return 3 if spaces or point == 0x202F or point == 0x205F or point == 0x3000 else 0


@kernel
def _has_mark(text: np.ndarray, start: Integer, stop: Integer) -> Truth:
    """Whether it begins with a byte order mark, U+200B or U+2060."""
    if text[start] < 0xE2 or start + 3 > stop:
        return False
    point = np.int64(text[start]) << 16 | np.int64(text[start + 1]) << 8 | np.int64(text[start + 2])
    return point == 0xEFBBBF or point == 0xE2808B or point == 0xE281A0


@kernel
def _is_no_input(text: np.ndarray, start: Integer, stop: Integer) -> Truth:
    """Whether it may be a mark for no input: "<noinput>", "No input", and the like."""
    return stop - start <= 10 and (text[start] == 60 or text[start] | 32 == 110)


@kernel
def _join(text: np.ndarray, bounds: np.ndarray, most: Integer, out: np.ndarray, ends: np.ndarray) -> None:
    """Fills `out` uint8 (bytes,) and `ends` int64 (n + 1,) from `text` between `bounds` int64 (2 n + 1,)."""
    place = 0
    for row in range(len(ends) - 1):
        left = most
        for part in range(2):
            if part == 1 and left > 0:
                out[place] = 10
                place, left = place + 1, left - 1
            for at in range(bounds[2 * row + part], bounds[2 * row + part + 1]):
                if text[at] & 0xC0 != 0x80:
                    if left == 0:
                        break
                    left -= 1
                out[place] = text[at]
                place += 1
        ends[row + 1] = place


@kernel
def _cut(text: np.ndarray, spans: np.ndarray, bounds: np.ndarray, out: np.ndarray) -> None:
    """Fills `out` uint8 (bytes,)."""
    for row in range(len(spans)):
        for i in range(spans[row, 1] - spans[row, 0]):
            out[bounds[row] + i] = text[spans[row, 0] + i]
