"""Strict JSON: what Python's parser lets through and later stages could not bear is a fault of the row.

Duplicate keys (one value would vanish), lone surrogates (no UTF-8 for them) and nesting past 100 are refused;
NaN, which table tools write for a missing value, is read as null.
"""

import json
import math
from typing import Any

from tuneloom.ingest.readers.encodings import not_utf8
from tuneloom.ingest.readers.line import ReadFault

_DEEPEST = 100


class _DuplicateKey(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKey(f"key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return value


def _number(text: str) -> float | str:
    """ "1.5" -> 1.5; what no float holds stays the text it is, for JSON knows no infinity: "1e999" -> "1e999"."""
    value = float(text)
    return value if math.isfinite(value) else text


DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=_number, parse_constant=lambda name: None)
"""`raw_decode` raises ValueError or RecursionError; `fault` says which reason that is."""


def decode(raw: bytes) -> Any:
    """One JSON value, or a ReadFault: b'{"a": 1}' -> {"a": 1}; b'{"a": ' -> ReadFault("unreadable row", ...)."""
    try:
        value = DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return fault(error)
    return check(value, raw)


def fault(error: Exception) -> ReadFault:
    """The reason for a parser's error: duplicate keys have their own, everything else is an unreadable row."""
    if isinstance(error, _DuplicateKey):
        return ReadFault("duplicate key", str(error))
    if isinstance(error, UnicodeDecodeError):
        return not_utf8(error.object)
    if isinstance(error, RecursionError):
        return ReadFault("nested too deeply", f"nested deeper than {_DEEPEST}")
    return ReadFault("unreadable row", " ".join(str(error).split()))


def check(value: Any, raw: bytes) -> Any:
    """`value`, or a ReadFault where it holds a lone surrogate or is nested too deeply; `raw` tells whether to look."""
    if b"\\ud" in raw or b"\\uD" in raw:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            return ReadFault("lone surrogate", f"\\u{ord(error.object[error.start]):04x} is half of a character")
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and _depth(value) > _DEEPEST:
        return ReadFault("nested too deeply", f"nested deeper than {_DEEPEST}")
    return value


def _depth(value: Any) -> int:
    """Levels of lists and objects, without recursion: {"a": [1]} -> 2."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth
