"""Messages out of Arrow, only with the fields that a part of the data uses: most rows have role and content alone."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa


def message_dicts(column: pa.ChunkedArray) -> list[list[dict[str, Any]]]:
    """A column of `list<Message>` -> each row's messages; fields that are null everywhere are left out.

    `[{role: user, content: Hi, name: null, ...}]` -> `[{"role": "user", "content": "Hi", "weight": 1}]`.
    """
    rows: list[list[dict[str, Any]]] = []
    for chunk in column.chunks:
        flat = chunk.flatten()
        names = [field.name for field in flat.type if flat.field(field.name).null_count < len(flat)]
        values: Sequence[Any] = [_values(flat, name) for name in names]
        messages = [dict(zip(names, one, strict=True)) for one in zip(*values, strict=True)]
        bounds = chunk.offsets.to_pylist()
        first = bounds[0] if bounds else 0
        rows += [messages[a - first : b - first] for a, b in pairwise(bounds)]
    return rows


def _values(messages: pa.StructArray, name: str) -> list[Any]:
    """A field's values; a few different ones (roles, weights) are made Python objects once."""
    values = messages.field(name)
    if name == "content":
        return values.to_pylist()
    coded = values.dictionary_encode()
    known = [*coded.dictionary.to_pylist(), None]
    return [known[i] for i in coded.indices.fill_null(len(known) - 1).to_pylist()]
