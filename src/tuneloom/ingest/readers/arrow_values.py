"""Values of an Arrow column as JSON knows them. Lists, structs and maps are taken apart, so that all their leaves are
turned into Python values in one call each: 2x the rows/s of `to_pylist` on a column of messages.

Text, whole numbers and truth values stay; a float that is no number is null; dates, times and decimals are text, so
that no digit changes; bytes are text where they are UTF-8, else a `data:` URL (RFC 2397); a map is an object.
"""

import base64
import math
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.types as kinds

from tuneloom.ingest.readers.line import UnreadableFile

_AS_THEY_ARE = (
    kinds.is_null,
    kinds.is_boolean,
    kinds.is_integer,
    kinds.is_string,
    kinds.is_large_string,
    kinds.is_string_view,
)


def plain_values(column: pa.Array) -> list[Any]:
    """[date(2026, 1, 2), None] -> ["2026-01-02", None]. Raises UnicodeDecodeError for text that is no UTF-8."""
    kind = column.type
    if any(is_kind(kind) for is_kind in _AS_THEY_ARE):
        return column.to_pylist()
    if kinds.is_list(kind) or kinds.is_large_list(kind):
        return _with_nulls(column, _cut(column, plain_values(column.flatten())))
    if kinds.is_struct(kind):
        return _with_nulls(column, _structs(column))
    if kinds.is_map(kind):
        return _with_nulls(column, _maps(column))
    if kinds.is_dictionary(kind):
        return plain_values(column.dictionary_decode())
    return [_plain(value) for value in column.to_pylist()]


def _with_nulls(column: pa.Array, values: list[Any]) -> list[Any]:
    if not column.null_count:
        return values
    valid = column.is_valid().to_pylist()
    return [value if is_valid else None for value, is_valid in zip(values, valid, strict=True)]


def _cut(column: pa.ListArray, leaves: list[Any]) -> list[list[Any]]:
    """Each list's part of the leaves, which are those of the lists that are not null, one after another."""
    ends, end = [0], 0
    for length in compute.list_value_length(column).to_pylist():
        end += length or 0
        ends.append(end)
    return [leaves[start:end] for start, end in pairwise(ends)]


def _structs(column: pa.StructArray) -> list[dict[str, Any]]:
    names = [field.name for field in column.type]
    if len(set(names)) < len(names):
        raise UnreadableFile(f"two fields of one struct are named alike: {', '.join(names)}")
    if not names:
        return [{} for _ in range(len(column))]
    fields = [plain_values(column.field(i)) for i in range(len(names))]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*fields, strict=True)]


def _maps(column: pa.MapArray) -> list[Any]:
    """Pairs to an object; pairs they stay where a key stands twice, for no value may vanish."""
    ends = column.offsets.to_pylist()
    first, size = ends[0], ends[-1] - ends[0]
    names, values = (plain_values(part.slice(first, size)) for part in (column.keys, column.items))
    pairs = list(zip(map(str, names), values, strict=True))
    maps = [pairs[start - first : end - first] for start, end in pairwise(ends)]
    return [found if len(found := dict(one)) == len(one) else [list(pair) for pair in one] for one in maps]


def _plain(value: Any) -> Any:
    """One value, whatever its type, by what it is in Python."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return f"data:;base64,{base64.b64encode(value).decode()}"
