"""`kind.detect_kind` over a buffer of texts: a kernel passes those in which no line can be code.

It knows of each pattern of code only what is cheap to see (how the line starts, how it ends, what stands before its
first `=`), so it may doubt a line of prose but never passes one of code. What it doubts is given to `detect_kind`.
"""

import numpy as np
import pyarrow as pa

from tuneloom.text.kernels import Integer, Truth, kernel, read_only
from tuneloom.text.kind import HEAD, LINE, detect_kind

_BLOCK_WORDS = "if elif else for foreach while with switch catch except unless try finally do begin"
_WORDS = (
    "async def function class interface struct enum import from #include #define using package <?php export public "
    "private protected static final void unsigned const let var int float double char bool String return console "
    "System print printf println echo puts cout alert SELECT select INSERT UPDATE DELETE CREATE ALTER FROM WHERE GROUP "
    "ORDER HAVING LIMIT INNER LEFT RIGHT OUTER CROSS JOIN"
)
_KEYWORDS = sorted((word.encode(), word in _BLOCK_WORDS.split()) for word in f"{_BLOCK_WORDS} {_WORDS}".split())
_KEYS = np.frombuffer(b"".join(word for word, _ in _KEYWORDS), np.uint8)
_BOUNDS = np.cumsum([0, *(len(word) for word, _ in _KEYWORDS)]).astype(np.int64)
_OPENS_BLOCK = np.array([opens for _, opens in _KEYWORDS], np.uint8)
"""1 for words that begin a line of code only where a colon or a brace ends it."""
_FIRST = np.searchsorted([word[0] for word, _ in _KEYWORDS], np.arange(257)).astype(np.int64)
"""Where the keywords with each first byte begin."""


def _class(members: str) -> np.ndarray:
    """1 for each of some bytes: uint8 (256,)."""
    return np.isin(np.arange(256), [ord(member) for member in members]).astype(np.uint8)


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
_NAME, _TARGET, _KEY = _class(f"{_LETTERS}.$"), _class(f"{_LETTERS}.$[]'\"*&"), _class(f"{_LETTERS} -")
_BREAK, _OPERATOR = _class("\n\r\v\f\x1c\x1d\x1e"), _class("-+*/|&%:")


def kinds_of(text: np.ndarray, bounds: np.ndarray) -> pa.StringArray:
    """The kind of n texts, valid UTF-8 uint8 (bytes,) between int64 `bounds` (n + 1,).

    "Add 1.x = f(1)", [0, 6, 14] -> ["natural", "code"]
    """
    doubts = np.zeros(len(bounds) - 1, np.uint8)
    _look(read_only(text), read_only(bounds), doubts)
    kinds = np.full(len(doubts), "natural", object)
    for i in np.flatnonzero(doubts):  # a Python loop: `detect_kind` is one, and these are few
        kinds[i] = detect_kind(text[bounds[i] : bounds[i + 1]].tobytes().decode())
    return pa.array(kinds, pa.string())


@kernel
def _look(text: np.ndarray, bounds: np.ndarray, doubts: np.ndarray) -> None:
    """Sets `doubts` uint8 (n,) to 1 where a text may hold code."""
    for row in range(len(doubts)):
        at, stop = bounds[row], bounds[row + 1]
        characters: Integer = 0
        while at < stop and characters < HEAD:
            at, characters, doubt = _line(text, at, stop, characters)
            if doubt:
                doubts[row] = 1
                break


@kernel
def _line(text: np.ndarray, at: Integer, stop: Integer, characters: Integer) -> tuple[Integer, Integer, Truth]:
    """Reads one line: where the next begins, the characters up to there, and whether this one may be code."""
    start, first = at, characters
    last: Integer = np.int64(-1)
    sign: Integer = np.int64(-1)
    called: Truth = False
    while at < stop and characters < HEAD:
        byte = text[at]
        if _BREAK[byte]:
            at, characters = at + 1, characters + 1
            break
        if byte & 0xC0 != 0x80:
            characters += 1
        if byte >= 0x80:
            if _is_wide_break(text, at, stop):
                return at, characters, True
        elif (byte == 96 or byte == 126) and _repeats(text, at, stop):
            return at, characters, True
        if characters - first <= LINE:
            if byte != 32 and byte != 9:
                last = at
            if byte == 61 and sign < 0:
                sign = at
            if byte == 62 and at > start and text[at - 1] == 61:
                return at, characters, True
            called = called or (byte == 46 and at > start and text[at - 1] == 41)
        at += 1
    return at, characters, last >= 0 and _may_be_code(text, start, last, sign, called)


@kernel
def _repeats(text: np.ndarray, at: Integer, stop: Integer) -> Truth:
    return at + 2 < stop and text[at + 1] == text[at] and text[at + 2] == text[at]


@kernel
def _is_wide_break(text: np.ndarray, at: Integer, stop: Integer) -> Truth:
    """U+0085, U+2028 and U+2029."""
    if text[at] == 0xC2:
        return text[at + 1] == 0x85
    return text[at] == 0xE2 and text[at + 1] == 0x80 and (text[at + 2] == 0xA8 or text[at + 2] == 0xA9)


@kernel
def _may_be_code(text: np.ndarray, at: Integer, last: Integer, sign: Integer, called: Truth) -> Truth:
    """Of the line from `at` to its last character that is no blank; `sign` is where its first `=` is or -1, `called`
    whether it holds `).`."""
    end = text[last]
    if end == 123 or end == 59:  # { ;
        return True
    while text[at] == 32 or text[at] == 9:
        at += 1
    first = text[at]
    if sign >= 0 and _is_assigned(text, at, sign):
        return True
    if first == 64:  # @
        return True
    if first == 34 or first == 39:
        return _is_key(text, at + 1, last)
    if first == 41 or first == 93 or first == 125:
        return _is_closing(text, at, last)
    if first == 60 and at < last and text[at + 1] < 0x80:  # < before a letter, / or !
        return text[at + 1] == 33 or text[at + 1] == 47 or text[at + 1] == 63 or _NAME[text[at + 1]] == 1
    if _NAME[first]:
        to = at
        while to < last and _NAME[text[to]]:
            to += 1
        if text[to] == 40 and to > at and (end == 41 or called):
            return True
    return _starts_with_keyword(text, at, last)


@kernel
def _is_assigned(text: np.ndarray, at: Integer, sign: Integer) -> Truth:
    """Whether what stands before the first `=` can be assigned to: `x`, `a.b, c`, `d["e"] +`."""
    start = at
    while at < sign and _TARGET[text[at]]:
        at += 1
    if at == start:
        return False
    while at < sign and text[at] == 44:
        at += 1
        while at < sign and text[at] == 32:
            at += 1
        while at < sign and _NAME[text[at]]:
            at += 1
    while at < sign and text[at] == 32:
        at += 1
    if at < sign and _OPERATOR[text[at]]:
        at += 1
    elif at + 1 < sign and text[at] == text[at + 1] and (text[at] == 60 or text[at] == 62):
        at += 2
    return at == sign


@kernel
def _is_key(text: np.ndarray, at: Integer, last: Integer) -> Truth:
    """Whether a quoted name and a colon stand there, the first quote behind: `name": 1`."""
    while at <= last and _KEY[text[at]]:
        at += 1
    if at > last or (text[at] != 34 and text[at] != 39):
        return False
    at += 1
    while at <= last and text[at] == 32:
        at += 1
    return at <= last and text[at] == 58


@kernel
def _is_closing(text: np.ndarray, at: Integer, last: Integer) -> Truth:
    """Whether nothing but brackets, commas and semicolons is left."""
    while at <= last:
        byte = text[at]
        if byte != 41 and byte != 93 and byte != 125 and byte != 44 and byte != 59:
            return False
        at += 1
    return True


@kernel
def _starts_with_keyword(text: np.ndarray, at: Integer, last: Integer) -> Truth:
    first = np.int64(text[at])
    for word in range(_FIRST[first], _FIRST[first + 1]):
        length = _BOUNDS[word + 1] - _BOUNDS[word]
        if at + length - 1 > last:
            continue
        same = True
        for i in range(length):
            if text[at + i] != _KEYS[_BOUNDS[word] + i]:
                same = False
                break
        bounded = first != 35 and first != 60  # `#define` and `<?php` are code whatever follows
        goes_on = bounded and at + length <= last and 97 <= text[at + length] <= 122
        if same and not goes_on and (not _OPENS_BLOCK[word] or text[last] == 58 or text[last] == 123):
            return True
    return False
