"""The Conversation: the one row type from ingestion to evaluation, as a dataclass and as an Arrow schema.

A format builds `Conversation`s; every later stage works on tables of `ROWS`. A row's `id` is the hash of what it
says (exact duplicates share it), its `origin` is where it came from (unique: ledger, rejects and twins name it).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any, Self

import orjson
import pyarrow as pa

ORIGIN = pa.struct([("source", pa.string()), ("file", pa.string()), ("row", pa.int64()), ("part", pa.int32())])
MESSAGE = pa.struct(
    [
        ("role", pa.string()),
        ("content", pa.string()),
        ("name", pa.string()),
        ("reasoning", pa.string()),
        ("tool_calls", pa.string()),
        ("tool_call_id", pa.string()),
        ("weight", pa.int8()),
    ]
)
EXAMPLE = pa.struct([("input", pa.string()), ("output", pa.string()), ("good", pa.bool_())])
ROWS = pa.schema(
    [
        ("id", pa.string()),
        ("content_hash", pa.string()),
        ("origin", ORIGIN),
        ("messages", pa.list_(MESSAGE)),
        ("fields", pa.map_(pa.string(), pa.string())),
        ("examples", pa.list_(EXAMPLE)),
        ("tools", pa.string()),
        ("references", pa.list_(pa.string())),
        ("choices", pa.list_(pa.string())),
        ("task", pa.string()),
        ("category", pa.string()),
        ("language", pa.string()),
        ("kind", pa.string()),
        ("license", pa.string()),
        ("use", pa.string()),
        ("synthetic", pa.bool_()),
        ("flags", pa.list_(pa.string())),
        ("meta", pa.string()),
    ]
)
"""What ingest writes; later stages append columns (`side`, `repeat`, `template`, `exemplars`)."""

REJECTS = pa.schema(
    [
        ("origin", ORIGIN),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("raw", pa.binary()),
        ("record", pa.string()),
        ("duplicate_of", ORIGIN),
    ]
)
"""A rejected row: `detail` is JSON of `{rule, version, value, bound, evidence, similarity}` as far as they apply."""

ROLES = ("system", "user", "assistant", "tool")
SIDES = ("train", "validation", "test")


@dataclass(frozen=True, order=True)
class Origin:
    """Where a row came from: `file` relative to the source's root, `row` counted from 1, `part` within the row."""

    source: str
    file: str
    row: int
    part: int = 0

    def __str__(self) -> str:
        part = f"#{self.part}" if self.part else ""
        return f"{self.source}:{self.file}:{self.row}{part}"


class Copied:
    """A frozen data class whose copies are cheap: rows are copied some times on their way through ingestion."""

    def but(self, **changes: Any) -> Self:
        """A copy with other values, as `dataclasses.replace` makes but ten times as fast: `row.but(language="en")`."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **changes)
        return copy


@dataclass(frozen=True)
class Message(Copied):
    """One turn. `weight` 0 keeps an assistant's words out of the loss; `tool_calls` is JSON text as it came."""

    role: str
    content: str
    name: str | None = None
    reasoning: str | None = None
    tool_calls: str | None = None
    tool_call_id: str | None = None
    weight: int = 1


@dataclass(frozen=True)
class Example:
    """A demonstration that a task definition carries; `good` is False for a negative one."""

    input: str
    output: str
    good: bool = True


@dataclass(frozen=True)
class Conversation(Copied):
    """One instance of instruction data; `fields` holds instruction, input, context, ... where the format has them."""

    messages: tuple[Message, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    tools: str | None = None
    references: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    task: str | None = None
    category: str | None = None
    language: str | None = None
    kind: str | None = None
    license: str | None = None
    use: str = "train"
    synthetic: bool = False
    flags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reject:
    """A row that goes no further, and why; `raw` is its bytes as read, `record` its JSON where it was a row already."""

    origin: Origin
    reason: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    record: str | None = None
    duplicate_of: Origin | None = None


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: `{"b": 1, "a": "é"}` -> `{"a":"é","b":1}`."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str | bytes) -> str:
    """blake2b-128 in hex (32 digits)."""
    return blake2b(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, digest_size=16).hexdigest()


def content_digest(conversation: Conversation) -> str:
    """The row's `id` at ingestion: the hash of its messages, tools, references and choices."""
    said = [{k: v for k, v in vars(m).items() if v is not None} for m in conversation.messages]
    told = [said, conversation.tools, conversation.references, conversation.choices]
    try:
        return digest(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))
    except orjson.JSONEncodeError:  # half a character, which has no UTF-8
        return digest(canonical(told))


def to_table(rows: Iterable[tuple[Origin, Conversation]]) -> pa.Table:
    """Rows -> a table of schema `ROWS`, in the order given."""
    origins, said = zip(*rows, strict=True) if (rows := list(rows)) else ((), ())
    ids = pa.array([content_digest(row) for row in said], pa.string())
    fields = [sorted(row.fields.items()) for row in said]
    columns = {name: pa.array(list(map(attrgetter(name), said)), ROWS.field(name).type) for name in _PLAIN}
    columns |= {
        "id": ids,
        "content_hash": ids,
        "origin": _structs(origins, ORIGIN),
        "messages": _lists([row.messages for row in said], MESSAGE),
        "fields": pa.array(fields, ROWS.field("fields").type),
        "examples": _lists([row.examples for row in said], EXAMPLE),
        "meta": pa.array([canonical(row.meta) if row.meta else "{}" for row in said], pa.string()),
    }
    return pa.table([columns[name] for name in ROWS.names], schema=ROWS)


def rejects_table(stage: str, rejects: Iterable[Reject]) -> pa.Table:
    """Rejects -> a table of schema `REJECTS`."""
    return pa.Table.from_pylist(
        [
            {
                "origin": vars(r.origin),
                "stage": stage,
                "reason": r.reason,
                "detail": canonical(r.detail),
                "raw": r.raw,
                "record": r.record,
                "duplicate_of": vars(r.duplicate_of) if r.duplicate_of else None,
            }
            for r in rejects
        ],
        schema=REJECTS,
    )


def reject_rows(
    table: pa.Table,
    reason: str | Sequence[str],
    details: Sequence[Mapping[str, Any]],
    duplicates_of: Sequence[Origin | None] | None = None,
) -> list[Reject]:
    """Rejects for whole rows of a stage's table, their JSON kept; a Python loop, for rejected rows are few."""
    reasons = [reason] * len(table) if isinstance(reason, str) else reason
    twins = duplicates_of or [None] * len(table)
    return [
        Reject(Origin(**row["origin"]), why, detail, record=canonical(_plain(row)), duplicate_of=twin)
        for row, why, detail, twin in zip(table.to_pylist(), reasons, details, twins, strict=True)
    ]


_PLAIN = (
    "tools", "references", "choices", "task", "category", "language", "kind", "license", "use", "synthetic", "flags"
)  # fmt: skip


def _structs(values: Sequence[Any], kind: pa.StructType) -> pa.StructArray:
    """Data classes -> structs, an attribute at a time: many times as fast as a dictionary a value."""
    children = [pa.array(list(map(attrgetter(part.name), values)), part.type) for part in kind]
    return pa.StructArray.from_arrays(children, fields=list(kind))


def _lists(values: Sequence[Sequence[Any]], kind: pa.StructType) -> pa.ListArray:
    """Sequences of data classes -> lists of structs."""
    offsets = pa.array(accumulate(map(len, values), initial=0), pa.int32())
    return pa.ListArray.from_arrays(offsets, _structs(list(chain.from_iterable(values)), kind))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Drops nulls and empties, so that a reject's JSON shows what the row said."""
    return {k: v for k, v in row.items() if v not in (None, [], "")}
