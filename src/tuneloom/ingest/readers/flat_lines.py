"""JSON lines whose rows are flat objects of texts, all with the same names, read by a compiled kernel.

It reads what is plainly such a line and nothing else. Every other line, faulty or only unusual, is left to the strict
parser (`decoding.py`), which alone decides what a line means.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tuneloom.ingest.readers.line import LONGEST
from tuneloom.text.kernels import Integer, Truth, kernel, read_only

BLANK, FLAT, OTHER = range(3)
"""What a line is: nothing, a row that was read, or a line for the strict parser."""

_NEWLINE, _QUOTE, _ESCAPE, _SPACE, _TAB, _RETURN = (ord(sign) for sign in '\n"\\ \t\r')
_OPEN, _CLOSE, _COLON, _COMMA = (ord(sign) for sign in "{}:,")


@dataclass(frozen=True)
class FlatLines:
    """The n lines of `data` uint8 (bytes,) and the k values of each that is FLAT.

    `starts` int64 (n + 1,): where each line begins, its line feed at `starts[i + 1] - 1`; `states` uint8 (n,);
    `spans` int64 (n, k, 2): where each value's text begins and ends, its escapes as they are.
    """

    data: np.ndarray
    starts: np.ndarray
    states: np.ndarray
    spans: np.ndarray

    def raw(self, line: int) -> bytes:
        """The bytes of a line without its line feed."""
        return self.data[self.starts[line] : self.starts[line + 1] - 1].tobytes()


def flat_lines(text: bytes, names: Sequence[str]) -> FlatLines:
    """The lines of `text`; FLAT are those that have each of `names` once and nothing else, every value a text.

    b'{"q": "Hi", "a": "Oh"}\\n', ("q", "a") -> states [FLAT], spans [[[7, 9], [18, 20]]]
    """
    data = read_only(np.frombuffer(text, np.uint8))
    count = text.count(b"\n") + (not text.endswith(b"\n"))
    starts, states = np.full(count + 1, len(text) + (not text.endswith(b"\n")), np.int64), np.full(count, OTHER, "u1")
    spans = np.zeros((count, len(names), 2), np.int64)
    encoded = [name.encode() for name in names]
    bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    words = data[: len(data) // 8 * 8].view(np.uint64)
    _scan(data, words, read_only(np.frombuffer(b"".join(encoded), "u1")), read_only(bounds), starts, states, spans)
    states[np.diff(starts) > LONGEST] = OTHER
    if not _is_utf8(text):
        states[:] = OTHER
    return FlatLines(data, starts, states, spans)


def _is_utf8(text: bytes) -> bool:
    """Whether all of it is; by Arrow, which makes no copy."""
    buffers = [None, pa.py_buffer(np.array([0, len(text)], np.int64)), pa.py_buffer(text)]
    try:
        pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, buffers).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


@kernel
def _scan(
    data: np.ndarray,
    words: np.ndarray,
    names: np.ndarray,
    bounds: np.ndarray,
    starts: np.ndarray,
    states: np.ndarray,
    spans: np.ndarray,
) -> None:
    """Fills `starts`, `states` and `spans` (see FlatLines); `names` uint8 (bytes,) between int64 `bounds` (k + 1,);
    `words` uint64 (bytes // 8,) are the same data."""
    at: Integer = np.int64(0)
    size = np.int64(len(data))
    for line in range(len(states)):
        starts[line] = at
        states[line], at = _line(data, words, at, names, bounds, spans[line])
        while at < size and data[at] != _NEWLINE:
            at += 1
        at += 1


@kernel
def _line(
    data: np.ndarray, words: np.ndarray, at: Integer, names: np.ndarray, bounds: np.ndarray, spans: np.ndarray
) -> tuple[Integer, Integer]:
    """What the line that begins at `at` is, and a place in it from which its end can be looked for."""
    size, columns = np.int64(len(data)), len(bounds) - 1
    at = _after_blanks(data, at)
    if at >= size or data[at] == _NEWLINE:
        return BLANK, at
    if data[at] != _OPEN:
        return OTHER, at
    seen: Integer = 0
    for number in range(columns):
        at = _after_blanks(data, at + 1)
        column = _column(data, at, names, bounds)
        if column < 0 or seen >> column & 1:
            return OTHER, min(at, size)
        seen |= 1 << column
        at = _after_blanks(data, at + 2 + bounds[column + 1] - bounds[column])
        if at >= size or data[at] != _COLON:
            return OTHER, min(at, size)
        at = _after_blanks(data, at + 1)
        if at >= size or data[at] != _QUOTE:
            return OTHER, min(at, size)
        spans[column, 0] = at + 1
        at = _end_of_text(data, words, at + 1)
        if at >= size or data[at] != _QUOTE:
            return OTHER, min(at, size)
        spans[column, 1] = at
        at = _after_blanks(data, at + 1)
        if at >= size or data[at] != (_CLOSE if number == columns - 1 else _COMMA):
            return OTHER, min(at, size)
    at = _after_blanks(data, at + 1)
    return (FLAT if at >= size or data[at] == _NEWLINE else OTHER), min(at, size)


@kernel
def _after_blanks(data: np.ndarray, at: Integer) -> Integer:
    """The next place that is no blank of JSON's; a line feed is none here."""
    while at < len(data) and (data[at] == _SPACE or data[at] == _TAB or data[at] == _RETURN):
        at += 1
    return at


@kernel
def _column(data: np.ndarray, at: Integer, names: np.ndarray, bounds: np.ndarray) -> Integer:
    """Which name stands at `at`, in quotes; -1 for none of them."""
    if at >= len(data) or data[at] != _QUOTE:
        return -1
    for column in range(len(bounds) - 1):
        length = bounds[column + 1] - bounds[column]
        if at + 1 + length < len(data) and data[at + 1 + length] == _QUOTE:
            same = True
            for i in range(length):
                if data[at + 1 + i] != names[bounds[column] + i]:
                    same = False
                    break
            if same:
                return column
    return -1


@kernel
def _end_of_text(data: np.ndarray, words: np.ndarray, at: Integer) -> Integer:
    """The closing quote of a text, or what may not stand in one."""
    while at < len(data):
        while at & 7 == 0 and at >> 3 < len(words) and not _needs_a_look(words[at >> 3]):
            at += 8
        if at >= len(data):
            break
        byte = data[at]
        if byte == _QUOTE or byte < _SPACE:
            return at
        at += 2 if byte == _ESCAPE else 1
    return at


@kernel
def _needs_a_look(word: Integer) -> Truth:
    """Whether one of eight bytes is a quote, a backslash or a control character: each of them shows in a byte's high
    bit, a byte that is zero after `^` by going below it."""
    ones, highs = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    quote, escape = word ^ (ones * np.uint64(_QUOTE)), word ^ (ones * np.uint64(_ESCAPE))
    found = ((quote - ones) & ~quote) | ((escape - ones) & ~escape) | ((word - ones * np.uint64(_SPACE)) & ~word)
    return found & highs != 0
