"""The ids of conversations of one question and one answer, many in one kernel: `records.content_digest` of each.

An id is blake2b-128 (RFC 7693) of the row's canonical JSON; both are made here without a Python object a row.
"""

import numpy as np
import pyarrow as pa

from tuneloom.text.kernels import Integer, kernel, read_only

Word = int | np.integer
_BLOCK = 128
_START = np.array(
    [
        0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
        0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
    ],
    np.uint64,
)  # fmt: skip
_ORDER = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.int64,
)  # fmt: skip
_ASKED, _SAID, _END = (
    np.frombuffer(part, np.uint8)
    for part in (
        b'[[{"content":"',
        b'","role":"user","weight":1},{"content":"',
        b'","role":"assistant","weight":1}],null,[],[]]',
    )
)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_SHORT = np.zeros(256, np.uint8)
"""The letter that stands after a backslash for a byte; `u` where that is its number."""
_SHORT[:32] = ord("u")
for _byte, _letter in zip(b'\b\t\n\f\r"\\', b'btnfr"\\', strict=True):
    _SHORT[_byte] = _letter


def exchange_ids(text: np.ndarray, bounds: np.ndarray) -> pa.StringArray:
    """n ids of 32 hex digits; `text` uint8 (bytes,), valid UTF-8, holds n prompts and answers by turns between int64
    `bounds` (2 n + 1,).

    b"HiHello", [0, 2, 7] -> the id of user "Hi", assistant "Hello"
    """
    count = len(bounds) // 2
    longest = int((bounds[2::2] - bounds[:-1:2]).max(initial=0))
    out = np.empty(count * 32, np.uint8)
    written = np.zeros(6 * longest + len(_ASKED) + len(_SAID) + len(_END) + _BLOCK, np.uint8)
    _identify(read_only(text), read_only(bounds), written, out)
    offsets = np.arange(0, 32 * count + 1, 32, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(out))


@kernel
def _identify(text: np.ndarray, bounds: np.ndarray, written: np.ndarray, out: np.ndarray) -> None:
    """Fills `out` uint8 (32 n,) with digits; `written` uint8 holds a row's JSON and a block of zeros."""
    state = np.empty(8, np.uint64)
    for row in range(len(bounds) // 2):
        size = _put(_ASKED, written, 0)
        size = _escape(text, bounds[2 * row], bounds[2 * row + 1], written, size)
        size = _put(_SAID, written, size)
        size = _escape(text, bounds[2 * row + 1], bounds[2 * row + 2], written, size)
        size = _put(_END, written, size)
        _blake2b(written, size, state)
        for i in range(16):
            byte = np.int64(state[i >> 3] >> np.uint64(8 * (i & 7)) & np.uint64(255))
            out[32 * row + 2 * i], out[32 * row + 2 * i + 1] = _HEX[byte >> 4], _HEX[byte & 15]


@kernel
def _put(part: np.ndarray, out: np.ndarray, place: Integer) -> Integer:
    for i in range(len(part)):
        out[place + i] = part[i]
    return place + len(part)


@kernel
def _escape(text: np.ndarray, start: Integer, stop: Integer, out: np.ndarray, place: Integer) -> Integer:
    """Writes bytes start..stop as JSON text does; the next free place."""
    for at in range(start, stop):
        byte = text[at]
        letter = _SHORT[byte]
        if letter == 0:
            out[place] = byte
            place += 1
            continue
        out[place], out[place + 1] = 92, letter
        place += 2
        if letter == 117:
            out[place], out[place + 1] = 48, 48
            out[place + 2], out[place + 3] = _HEX[byte >> 4], _HEX[byte & 15]
            place += 4
    return place


@kernel
def _blake2b(data: np.ndarray, size: Integer, state: np.ndarray) -> None:
    """blake2b-128 without a key of the first `size` bytes -> the first 16 bytes of `state` uint64 (8,), little-endian.
    Writes zeros behind the bytes up to the block's end."""
    for i in range(8):
        state[i] = _START[i]
    state[0] ^= np.uint64(0x01010000 ^ 16)
    blocks = max(1, (size + _BLOCK - 1) // _BLOCK)
    for i in range(size, blocks * _BLOCK):
        data[i] = 0
    words = np.empty(16, np.uint64)
    for block in range(blocks):
        for i in range(16):
            word, at = np.uint64(0), block * _BLOCK + 8 * i
            for j in range(8):
                word |= np.uint64(data[at + j]) << np.uint64(8 * j)
            words[i] = word
        last = block == blocks - 1
        _compress(state, words, np.uint64(size if last else (block + 1) * _BLOCK), last)


@kernel
def _compress(state: np.ndarray, words: np.ndarray, total: Word, last: bool) -> None:
    """One block, words uint64 (16,), into `state` uint64 (8,)."""
    a, b, c, d, e, f, g, h = state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
    i, j, k, m = _START[0], _START[1], _START[2], _START[3]
    n, o, p, q = _START[4] ^ total, _START[5], _START[6], _START[7]
    if last:
        p = ~p
    for turn in range(12):
        s = _ORDER[turn]
        a, e, i, n = _mix(a, e, i, n, words[s[0]], words[s[1]])
        b, f, j, o = _mix(b, f, j, o, words[s[2]], words[s[3]])
        c, g, k, p = _mix(c, g, k, p, words[s[4]], words[s[5]])
        d, h, m, q = _mix(d, h, m, q, words[s[6]], words[s[7]])
        a, f, k, q = _mix(a, f, k, q, words[s[8]], words[s[9]])
        b, g, m, n = _mix(b, g, m, n, words[s[10]], words[s[11]])
        c, h, i, o = _mix(c, h, i, o, words[s[12]], words[s[13]])
        d, e, j, p = _mix(d, e, j, p, words[s[14]], words[s[15]])
    state[0] ^= a ^ i
    state[1] ^= b ^ j
    state[2] ^= c ^ k
    state[3] ^= d ^ m
    state[4] ^= e ^ n
    state[5] ^= f ^ o
    state[6] ^= g ^ p
    state[7] ^= h ^ q


@kernel
def _mix(a: Word, b: Word, c: Word, d: Word, x: Word, y: Word) -> tuple[Word, Word, Word, Word]:
    """RFC 7693's function G."""
    a = a + b + x
    d ^= a
    d = d >> np.uint64(32) | d << np.uint64(32)
    c = c + d
    b ^= c
    b = b >> np.uint64(24) | b << np.uint64(40)
    a = a + b + y
    d ^= a
    d = d >> np.uint64(16) | d << np.uint64(48)
    c = c + d
    b ^= c
    b = b >> np.uint64(63) | b << np.uint64(1)
    return a, b, c, d
