"""What kind of character each code point is, for keys and shingles; Han, Kana, Thai, ... have no spaces between words.

The tables come from the Unicode 3.2 database that every Python carries unchanged, plus ranges given here, so that
keys are the same under every Python version. Later characters count as letters.
"""

import functools
import unicodedata

import numpy as np

from tuneloom.text.traditional import SIMPLIFIED, TRADITIONAL

DROP, SPACE, PUNCTUATION, WORD, DIGIT, UNSPACED = range(6)
"""Classes: invisible, space, prose punctuation, letters and symbols, digits, characters that are their own word."""

TABLE_SIZE = 0x20000
"""Code points below are looked up; above lie Han (to 0x3FFFF), invisible tags (0xE0000 on) and letters."""

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x19E0, 0x19FF),  # Khmer symbols
    (0x2E80, 0x2FDF),  # Han radicals
    (0x3005, 0x3007),  # Han iteration mark and zero
    (0x3021, 0x312F),  # Kana, Bopomofo
    (0x31A0, 0x31FF),  # Bopomofo and Kana extended
    (0x3400, 0x4DBF),  # Han extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Myanmar extended
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # half-width Kana
    (0x1B000, 0x1B16F),  # Kana supplement
)
_INVISIBLE = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x180B, 0x180E),
    (0x200B, 0x200F),  # zero-width space, joiners, direction marks
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFF9, 0xFFFB),
)
_OPERATORS = "%&#@*/\\-_"
"""Punctuation to Unicode, but 3*4 is not 3/4 and C# is not C."""

_frozen = unicodedata.ucd_3_2_0


@functools.cache
def classes() -> np.ndarray:
    """Class of each code point, uint8 (TABLE_SIZE,), read-only: "a" -> WORD, "，" -> PUNCTUATION, "中" -> UNSPACED."""
    table = np.array([_BY_CATEGORY.get(_frozen.category(chr(point)), WORD) for point in range(TABLE_SIZE)], np.uint8)
    for first, last in _UNSPACED:
        block = table[first : last + 1]
        block[block == WORD] = UNSPACED
    for first, last in _INVISIBLE:
        table[first : last + 1] = DROP
    table[[9, 10, 11, 12, 13, 0x85]] = SPACE
    table[[ord(sign) for sign in _OPERATORS]] = WORD
    table.flags.writeable = False
    return table


@functools.cache
def folds() -> np.ndarray:
    """Each code point without case, int32 (TABLE_SIZE,), read-only: "A" -> "a", "ς" -> "σ", "٣" -> "3", "體" -> "体".

    One for one, and never longer in UTF-8, so that a folded text fits where the text was.
    """
    table = np.arange(TABLE_SIZE, dtype=np.int32)
    for point in range(TABLE_SIZE):
        char = chr(point)
        category = _frozen.category(char)
        if category == "Nd":
            table[point] = ord("0") + _frozen.digit(char)
        elif category[0] == "L":
            folded = char.casefold()
            if len(folded) == 1 and len(folded.encode()) <= len(char.encode()):
                table[point] = ord(folded)
    table[[0x2010, 0x2011, 0x2212]] = ord("-")
    table[[*map(ord, TRADITIONAL)]] = [*map(ord, SIMPLIFIED)]
    table.flags.writeable = False
    return table


_BY_CATEGORY = {
    **dict.fromkeys(("Cc", "Cf"), DROP),
    **dict.fromkeys(("Zs", "Zl", "Zp"), SPACE),
    **dict.fromkeys(("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"), PUNCTUATION),
    "Nd": DIGIT,
}
