"""Keys: what a text says, without how it is written. Two texts with one key are the same text.

NFKC, without case, invisible characters and prose punctuation, white space as single spaces and none beside Han,
Kana, Thai, ...; a number keeps its value (1.5, -3, 3*4, 10%, x²), Unicode's marks stay (が is not か), traditional
Chinese characters count as the simplified ones. Code keeps its case, punctuation and indentation. Keys are for
comparing; nothing that trains is ever changed.
"""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.text.kernels import Integer, kernel, read_only, text_array, text_buffers
from tuneloom.text.scripts import DIGIT, DROP, PUNCTUATION, SPACE, TABLE_SIZE, UNSPACED, WORD, classes, folds


def fold(texts: pa.LargeStringArray, code: np.ndarray) -> pa.LargeStringArray:
    """The key text of each of n texts; `code` uint8 (n,) is 1 where case, punctuation and indentation count.

    ["Ｈello,  World!", "你好， 世界。", "3 * 1.5 = ?"] -> ["hello world", "你好世界", "3 * 1.5 ="]; text of nothing but
    punctuation keeps it: "?!" -> "?!", so that it equals no other.
    """
    wide = pc.fill_null(pc.invert(pc.string_is_ascii(texts)), False)
    plain, composed = text_buffers(texts), text_buffers(_compose(texts.filter(wide)))
    out = np.empty(int(plain[1][-1] - plain[1][0]) + len(composed[0]), np.uint8)
    ends = np.zeros(len(texts) + 1, np.int64)
    where = read_only(wide.to_numpy(zero_copy_only=False))
    _fold(plain, composed, where, read_only(code), classes(), folds(), out, ends)
    return text_array(out[: ends[-1]].copy(), ends)


def key_hashes(folded: pa.LargeStringArray) -> np.ndarray:
    """128-bit hashes of n texts, uint64 (n, 2); equal texts have equal hashes on every machine."""
    out = np.empty((len(folded), 2), np.uint64)
    _hash_texts(*text_buffers(folded), out)
    return out


def mixed(values: np.ndarray, seed: int = 0) -> np.ndarray:
    """uint64 (n,) -> uint64 (n,): splitmix64's finaliser, a bijection that looks random; `seed` gives another one."""
    with np.errstate(over="ignore"):
        x = values + np.uint64((seed * 2 + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def combined(*keys: np.ndarray) -> np.ndarray:
    """One key uint64 (n, 2) of several of that shape, in the order given: (prompt, answer) -> conversation."""
    total = np.zeros_like(keys[0])
    for key in keys:
        with np.errstate(over="ignore"):
            total = np.stack([mixed(total[:, lane] + key[:, lane], lane + 1) for lane in (0, 1)], axis=1)
    return total


def _compose(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """NFKC of texts that are not ASCII; before that x² becomes x^2 and 1½ 1 1⁄2 (NFKC alone: x2 and 11⁄2).

    By polars: pyarrow's `utf8_normalize` takes letters apart and does not put them together again (25.0.1).
    """
    if pc.any(pc.match_substring_regex(texts, "[⁺⁻⁰¹²³⁴-⁹¼-¾⅐-⅞↉ßẞ]")).as_py():
        texts = pc.replace_substring_regex(texts, "([⁺⁻⁰¹²³⁴-⁹]+)", "^\\1")
        texts = pc.replace_substring_regex(texts, "([0-9])([¼-¾⅐-⅞↉])", "\\1 \\2")
        texts = pc.replace_substring_regex(texts, "[ßẞ]", "ss")
    return pl.Series(texts).str.normalize("NFKC").to_arrow().cast(pa.large_string()) if len(texts) else texts


@kernel
def _decode(text: np.ndarray, at: Integer) -> tuple[Integer, Integer]:
    """The code point at byte `at` and its width; `text` uint8 (bytes,) is valid UTF-8, as Arrow promises."""
    head = np.int64(text[at])
    if head < 0x80:
        return head, 1
    if head < 0xE0:
        return (head & 0x1F) << 6 | (text[at + 1] & 0x3F), 2
    if head < 0xF0:
        return (head & 0x0F) << 12 | (text[at + 1] & 0x3F) << 6 | (text[at + 2] & 0x3F), 3
    high = (head & 0x07) << 18 | (text[at + 1] & 0x3F) << 12
    return high | (text[at + 2] & 0x3F) << 6 | (text[at + 3] & 0x3F), 4


@kernel
def _encode(point: Integer, out: np.ndarray, at: Integer) -> Integer:
    """Writes a code point to `out` uint8 (bytes,) at `at`; the next free place."""
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
def _class_of(point: Integer, classes: np.ndarray) -> np.uint8:
    """Class of a code point; `classes` uint8 (TABLE_SIZE,)."""
    if point < TABLE_SIZE:
        return classes[point]
    if point < 0x40000:
        return np.uint8(UNSPACED)
    return np.uint8(DROP) if 0xE0000 <= point < 0xE1000 else np.uint8(WORD)


@kernel
def _in_number(text: np.ndarray, after: Integer, stop: Integer, point: Integer, follows_digit: bool) -> bool:
    """Whether a punctuation mark belongs to a number: 1.5, .5, 1,000, 12:30; `after` is the byte behind it."""
    if after >= stop or text[after] < 48 or text[after] > 57:
        return False
    return point == 46 or (follows_digit and (point == 44 or point == 58 or point == 39))


@kernel
def _fold_prose(
    text: np.ndarray,
    start: Integer,
    stop: Integer,
    light: bool,
    classes: np.ndarray,
    folds: np.ndarray,
    out: np.ndarray,
    place: Integer,
) -> Integer:
    """Folds bytes start..stop of `text` to `out` from `place` on; `light` drops punctuation. The next free place."""
    first, gap, before = place, False, np.uint8(SPACE)
    at = start
    while at < stop:
        if before == WORD and not gap:  # the fast way through the rest of a plain word
            while at < stop and text[at] < 0x80 and classes[text[at]] == WORD:
                out[place] = folds[text[at]]
                place += 1
                at += 1
            if at == stop:
                break
        point, width = _decode(text, at)
        at += width
        kind = _class_of(point, classes)
        if kind == DROP:
            continue
        if kind == PUNCTUATION and light and not _in_number(text, at, stop, point, before == DIGIT and not gap):
            kind = np.uint8(SPACE)
        if kind == SPACE:
            gap = True
            continue
        if gap and place > first and before != UNSPACED and kind != UNSPACED:
            out[place] = 32
            place += 1
        gap, before = False, kind
        place = _encode(np.int64(folds[point]) if point < TABLE_SIZE else point, out, place)
    return place


@kernel
def _fold_code(
    text: np.ndarray, start: Integer, stop: Integer, classes: np.ndarray, out: np.ndarray, place: Integer
) -> Integer:
    """The same for code: only invisible characters, blank lines and space at the ends of lines go."""
    first, end = place, place
    at = start
    while at < stop:
        point, width = _decode(text, at)
        at += width
        kind = _class_of(point, classes)
        if kind == DROP:
            continue
        if point == 10:
            place = end
            if place == first:
                continue
        place = _encode(point, out, place)
        if kind != SPACE:
            end = place
    return end


@kernel
def _fold(
    plain: tuple[np.ndarray, np.ndarray],
    composed: tuple[np.ndarray, np.ndarray],
    wide: np.ndarray,
    code: np.ndarray,
    classes: np.ndarray,
    folds: np.ndarray,
    out: np.ndarray,
    ends: np.ndarray,
) -> None:
    """All rows, bool `wide` and uint8 `code` (n,) -> `out` uint8 (bytes,), `ends` int64 (n + 1,).

    A wide row is the next of `composed`, another its own of `plain`; both uint8 (bytes,) and int64 bounds.
    """
    place: Integer = np.int64(0)
    next_wide: Integer = np.int64(0)
    for row in range(len(wide)):
        text, start, stop, first = plain[0], plain[1][row], plain[1][row + 1], place
        if wide[row]:
            text, start, stop = composed[0], composed[1][next_wide], composed[1][next_wide + 1]
            next_wide += 1
        if code[row] != 0:
            place = _fold_code(text, start, stop, classes, out, place)
        else:
            for light in (True, False):
                if place == first:
                    place = _fold_prose(text, start, stop, light, classes, folds, out, place)
        ends[row + 1] = place


@kernel
def _hash_texts(text: np.ndarray, bounds: np.ndarray, out: np.ndarray) -> None:
    """Two multiplicative hashes of each row's bytes and length -> `out` uint64 (n, 2)."""
    for row in range(len(bounds) - 1):
        low, high = np.uint64(0xCBF29CE484222325), np.uint64(0x9AE16A3B2F90404F)
        for at in range(bounds[row], bounds[row + 1]):
            byte = np.uint64(text[at])
            low = (low ^ byte) * np.uint64(0x100000001B3)
            high = (high + byte + np.uint64(1)) * np.uint64(0xFF51AFD7ED558CCD)
            high ^= high >> np.uint64(32)
        length = np.uint64(bounds[row + 1] - bounds[row])
        low = (low ^ length) * np.uint64(0xC4CEB9FE1A85EC53)
        out[row, 0] = low ^ (low >> np.uint64(33))
        out[row, 1] = high ^ (length << np.uint64(32))
