"""`language.detect_languages` over a buffer of texts: what needs no Python is decided by a kernel.

These are heads of Latin letters and quotation marks, which the model's kernel judges, and heads mostly of Han, kana or
Hangul, which their script decides. The others (accents to compose, scripts to weigh) are given to `detect_languages`.
"""

import numpy as np
import pyarrow as pa

from tuneloom.text.kernels import Integer, Truth, kernel, read_only
from tuneloom.text.language import HEAD, KANA_SHARE, LETTERS_A_HAN_SIGN, SURE, SURE_OF_OTHERS, detect_languages
from tuneloom.text.language_model import classify

_BY_SCRIPT = ("und", "zh", "ja", "ko")
_MODEL, _OTHER = 4, 5


def languages_of(text: np.ndarray, bounds: np.ndarray) -> pa.StringArray:
    """The language of n texts, valid UTF-8 uint8 (bytes,) between int64 `bounds` (n + 1,).

    "Good day.早上好", [0, 9, 18] -> ["en", "zh"]
    """
    count = len(bounds) - 1
    states, heads, ends = np.empty(count, np.uint8), np.empty(len(text), np.uint8), np.zeros(count + 1, np.int64)
    _look(read_only(text), read_only(bounds), states, heads, ends)
    found = np.where(states < _MODEL, states, 0).astype(np.int64)
    names, labels, probabilities = classify(heads[: ends[-1]], _without_empty(ends))
    least = np.array([SURE.get(name, SURE_OF_OTHERS) for name in names])
    found[states == _MODEL] = np.where(probabilities >= least[labels], labels + len(_BY_SCRIPT), 0)
    others = np.flatnonzero(states == _OTHER)
    left = detect_languages([text[bounds[i] : bounds[i + 1]].tobytes().decode() for i in others])
    known = [*_BY_SCRIPT, *names, *left]
    found[others] = np.arange(len(left)) + len(known) - len(left)
    return pa.array(known, pa.string()).take(pa.array(found))


def _without_empty(ends: np.ndarray) -> np.ndarray:
    """[0, 5, 5, 9] -> [0, 5, 9]"""
    return ends[np.concatenate([[True], ends[1:] > ends[:-1]])]


@kernel
def _look(text: np.ndarray, bounds: np.ndarray, states: np.ndarray, heads: np.ndarray, ends: np.ndarray) -> None:
    """Fills `states` uint8 (n,), and of those for the model the bytes it reads: `heads` uint8 (bytes,) and `ends` int64
    (n + 1,)."""
    place = 0
    for row in range(len(states)):
        start, stop = bounds[row], bounds[row + 1]
        start, stop = _strip(text, start, stop)
        end, ascii = _end_of_head(text, start, stop)
        if ascii:
            upper, lower = 0, 0
            for at in range(start, end):
                upper += 65 <= text[at] <= 90
                lower += 97 <= text[at] <= 122
            states[row] = _MODEL if upper + lower else 0
            if upper + lower:
                shift = 32 if lower == 0 else 0
                for at in range(start, end):
                    byte = text[at]
                    heads[place] = byte + shift if 65 <= byte <= 90 else byte
                    place += 1
        else:
            states[row] = _script(text, start, end)
            if states[row] == _MODEL:
                for at in range(start, end):
                    heads[place] = text[at]
                    place += 1
        ends[row + 1] = place


@kernel
def _strip(text: np.ndarray, start: Integer, stop: Integer) -> tuple[Integer, Integer]:
    """Where the text without white space at its ends begins and ends, as `str.strip` has it."""
    while start < stop:
        width = _space(text, start)
        if width == 0:
            break
        start += width
    while start < stop:
        last = stop - 1
        while text[last] & 0xC0 == 0x80:
            last -= 1
        if _space(text, last) == 0:
            break
        stop = last
    return start, stop


@kernel
def _space(text: np.ndarray, at: Integer) -> Integer:
    """The width in bytes of the white space at `at`; 0 for none."""
    byte = text[at]
    if byte < 0x80:
        return 1 if 9 <= byte <= 13 or 28 <= byte <= 32 else 0
    if byte == 0xC2:
        return 2 if text[at + 1] == 0x85 or text[at + 1] == 0xA0 else 0
    if byte < 0xE1 or byte > 0xE3:
        return 0
    point = np.int64(byte & 0x0F) << 12 | np.int64(text[at + 1] & 0x3F) << 6 | np.int64(text[at + 2] & 0x3F)
    spaces = point == 0x1680 or 0x2000 <= point <= 0x200A or 0x2028 <= point <= 0x2029
    return 3 if spaces or point == 0x202F or point == 0x205F or point == 0x3000 else 0


@kernel
def _end_of_head(text: np.ndarray, start: Integer, stop: Integer) -> tuple[Integer, Truth]:
    """Where the first HEAD characters end, and whether all of them are ASCII."""
    at, characters, ascii = start, 0, True
    while at < stop:
        byte = text[at]
        if byte & 0xC0 != 0x80:
            if characters == HEAD:
                break
            characters += 1
        ascii = ascii and byte < 0x80
        at += 1
    return at, ascii


@kernel
def _script(text: np.ndarray, at: Integer, end: Integer) -> Integer:
    """The state of a head that is not all ASCII: by its script where that would decide even if every other character
    were a letter; for the model where no character can be composed with another and some letter is small."""
    han, kana, hangul = 0, 0, 0
    others: Integer = 0
    small: Integer = 0
    composed: Truth = True
    while at < end:
        byte = np.int64(text[at])
        if byte < 0x80:
            others += 97 <= (byte | 32) <= 122
            small += 97 <= byte <= 122
            at += 1
        elif byte < 0xE0:
            composed = composed and byte < 0xCC  # U+0300, the first combining accent
            others, at = others + 1, at + 2
        elif byte < 0xF0:
            point = (byte & 0x0F) << 12 | np.int64(text[at + 1] & 0x3F) << 6 | np.int64(text[at + 2] & 0x3F)
            if 0x4E00 <= point <= 0x9FFF or 0x3400 <= point <= 0x4DBF or 0xF900 <= point <= 0xFAFF:
                han += 1
            elif 0x3041 <= point <= 0x3096 or 0x30A1 <= point <= 0x30FA or 0x30FC <= point <= 0x30FF:
                kana += 1
            elif 0xAC00 <= point <= 0xD7A3 or 0x1100 <= point <= 0x11FF or 0x3131 <= point <= 0x318E:
                hangul += 1
            elif 0xFF66 <= point <= 0xFF9D:
                kana += 1
            else:
                composed = composed and 0x2010 <= point <= 0x203D
                others += 1
            at += 3
        else:
            return _OTHER
    if han + kana + hangul == 0 and small and composed:
        return _MODEL
    if (han + kana + hangul) * LETTERS_A_HAN_SIGN < others or han + kana + hangul == 0:
        return _OTHER
    if hangul > han + kana:
        return 3
    return 2 if kana > KANA_SHARE * (han + kana) else 1
