"""What each token stands for, in bytes: finished rows are proven against the bytes of their answers, without decoding.

Byte-level vocabularies write bytes as letters (GPT-2's table, as `tokenizers` has it); SentencePiece-like ones write a
space as U+2581 and single bytes as `<0x0A>`.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def token_bytes(tree: Mapping[str, Any]) -> pa.BinaryArray | None:
    """Bytes of every id of a tokenizer, by its JSON; None where its decoder is of neither kind.

    Byte-level: `Ġthe` -> b" the"; SentencePiece-like: `▁the` -> b" the", `<0x0A>` -> b"\\n".
    """
    kinds = _decoders(tree.get("decoder"))
    if "ByteLevel" in kinds:
        read = _byte_level
    elif {"Metaspace", "ByteFallback"} & kinds:
        read = _sentencepiece
    else:
        return None
    vocabulary = tree["model"]["vocab"]
    if isinstance(vocabulary, list):  # Unigram: (text, score) by id
        vocabulary = {text: i for i, (text, _) in enumerate(vocabulary)}
    found = {i: read(text) for text, i in vocabulary.items()}
    found |= {token["id"]: token["content"].encode() for token in tree["added_tokens"]}
    return pa.array([found.get(i, b"") for i in range(max(found, default=-1) + 1)], pa.binary())


def missing_bytes(tree: Mapping[str, Any]) -> list[int]:
    """Bytes of UTF-8 texts that a byte-level vocabulary has no token for; none for other vocabularies.

    SmolLM2's GGUF lacks 0xF1, with which rare planes of Unicode begin.
    """
    if "ByteLevel" not in _decoders(tree.get("decoder")):
        return []
    vocabulary = tree["model"]["vocab"]
    never = {0xC0, 0xC1, *range(0xF5, 0x100)}
    return [byte for letter, byte in _letters().items() if letter not in vocabulary and byte not in never]


def said_bytes(table: pa.BinaryArray, ids: NDArray[np.integer[Any]]) -> tuple[memoryview, NDArray[np.int64]]:
    """The bytes that ids, integers (n,), stand for, in a row, and where each id's begin, int64 (n + 1,)."""
    taken = table.cast(pa.large_binary()).take(pa.array(ids))
    _, offsets, data = taken.buffers()
    bounds = np.frombuffer(offsets, np.int64)[: len(ids) + 1] if offsets else np.zeros(1, np.int64)
    return memoryview(data)[: bounds[-1]] if data else memoryview(b""), bounds


def _decoders(decoder: Any) -> set[str]:
    """Types of a decoder and all its parts."""
    if not decoder:
        return set()
    return {decoder["type"]}.union(*(_decoders(one) for one in decoder.get("decoders", ())))


def _byte_level(text: str) -> bytes:
    try:
        return text.translate(_table()).encode("latin-1")
    except UnicodeEncodeError:  # an added token, say: not all of it are letters of bytes
        return text.encode()


@cache
def _table() -> dict[int, int]:
    """Each letter's byte, for `str.translate`; what is no letter becomes, or stays, no byte."""
    return dict.fromkeys(range(256), 0x100) | {ord(letter): byte for letter, byte in _letters().items()}


def _sentencepiece(text: str) -> bytes:
    single = _BYTE.fullmatch(text)
    return bytes.fromhex(single[1]) if single else text.replace("\u2581", " ").encode()


@cache
def _letters() -> dict[str, int]:
    """GPT-2's letter of each byte: printable ones are themselves, the others follow U+0100 in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + n): byte for n, byte in enumerate(others)}
