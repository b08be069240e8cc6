"""Row transforms: a user's own edits, Python files that `quality.transforms` names, each with one function.

    def transform(row):            # row["messages"], row["fields"], row["language"], row["kind"], row["task"], ...
        for message in row["messages"]:
            message["content"] = message["content"].replace("colour", "color")
        return row

It may change what a row says; its id, origin and labels stay. Each changed row is counted, gets a flag and a new
`content_hash`; a row on which the function fails, or of which it makes what ingestion would not let pass, is rejected
with the error and its line.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from tuneloom.errors import ConfigError
from tuneloom.plugin_files import load_plugin, plugin_line, plugin_text
from tuneloom.records import ROLES, ROWS, Conversation, Message, Reject, content_digest, digest, reject_rows
from tuneloom.shape import fault_of
from tuneloom.text.personal_data import mask

EDITABLE = ("messages", "fields", "examples", "tools", "references", "choices")
"""Columns that a transform may change."""
FAILED = "transform failed"


@dataclass(frozen=True)
class Transform:
    """One file: its name, the digest of its text, and the function."""

    name: str
    version: str
    path: Path
    function: Any


@dataclass
class Edited:
    """What transforms made of a table: the rows in their order without those that failed, and how often each edited.

    `changed`: the places in `rows` of those that differ.
    """

    rows: pa.Table
    changed: list[int] = field(default_factory=list)
    failed: list[Reject] = field(default_factory=list)
    failed_sides: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class _FailedError(Exception):
    """A transform failed on a row; `detail` is what the reject tells."""

    def __init__(self, detail: dict[str, Any]) -> None:
        super().__init__(detail)
        self.detail = detail


def load_transforms(paths: Sequence[Path]) -> list[Transform]:
    """Raises ConfigError, with file and line, for a file that cannot be loaded or has no function `transform`."""
    found = []
    for path in paths:
        text = plugin_text(path)
        function = getattr(load_plugin(path, text), "transform", None)
        if not callable(function):
            raise ConfigError(
                f"the plugin {path.name} has no function `transform`",
                where=f"quality.transforms: {path}",
                remedy="It needs `transform(row)`, as docs/quality.md shows.",
            )
        found.append(Transform(path.stem, digest(text)[:8], path, function))
    return found


def apply_transforms(table: pa.Table, transforms: Sequence[Transform]) -> Edited:
    """Every transform on every row, in the order of the config; a Python loop, for the functions are the user's."""
    if not transforms:
        return Edited(table)
    edited = Edited(table, counts={transform.name: 0 for transform in transforms})
    rows, failures = [], []
    for index, row in enumerate(table.to_pylist()):
        before = row
        for transform in transforms:
            try:
                after = _applied(transform, row)
            except _FailedError as failed:
                failures.append((index, failed.detail))
                break
            edited.counts[transform.name] += after is not row
            row = after
        else:
            rows.append((index, row if row is not before else None))
    kept = table.take(pa.array([index for index, _ in rows], pa.int64()))
    changed = [(place, row) for place, (_, row) in enumerate(rows) if row is not None]
    edited.rows, edited.changed = _with_rows(kept, changed), [place for place, _ in changed]
    out = table.take(pa.array([index for index, _ in failures], pa.int64()))
    edited.failed_sides = out["side"].to_pylist()
    edited.failed = reject_rows(out, FAILED, [detail for _, detail in failures])
    return edited


def _applied(transform: Transform, row: dict[str, Any]) -> dict[str, Any]:
    """The row itself where nothing changed, else the edited one."""
    given = {name: value for name, value in copy.deepcopy(row).items() if name not in ("id", "content_hash", "flags")}
    given["fields"] = dict(given["fields"] or ())
    try:
        said = transform.function(given)
        edited = {name: said[name] for name in EDITABLE}
        conversation = _conversation(edited, row["use"])
        edited["messages"] = [dict(vars(message)) for message in conversation.messages]
        edited["fields"] = sorted(edited["fields"].items())
        pa.Table.from_pylist([edited], schema=pa.schema([ROWS.field(name) for name in EDITABLE]))
    except (Exception, SystemExit) as error:  # a user's code: whatever it raises, this row alone is rejected
        raise _FailedError(_detail(transform, error)) from error
    if all(edited[name] == (row[name] if name != "fields" else sorted(row[name] or ())) for name in EDITABLE):
        return row
    flag = f"edited by {transform.name}"
    flags = [*(row["flags"] or []), *([] if flag in (row["flags"] or []) else [flag])]
    return {**row, **edited, "content_hash": content_digest(conversation), "flags": flags}


def _conversation(said: Mapping[str, Any], use: str) -> Conversation:
    """What a transform gave back, as ingestion would have let it pass; raises TypeError or ValueError where not."""
    messages = tuple(_message(place, turn) for place, turn in enumerate(said["messages"]))
    if fault := fault_of(messages, use):
        raise ValueError(f"{fault.reason}: {fault.field}: {fault.evidence}")
    examples = [(example["input"], example["output"]) for example in said["examples"] or ()]
    texts = {
        "fields": chain.from_iterable(said["fields"].items()),
        "examples": chain.from_iterable(examples),
        "references": said["references"] or (),
        "choices": said["choices"] or (),
    }
    for name, found in texts.items():
        if wrong := [text for text in found if not isinstance(text, str)]:
            raise TypeError(f"{name}: {wrong[0]!r} is no text")
    return Conversation(
        messages, tools=said["tools"], references=tuple(texts["references"]), choices=tuple(texts["choices"])
    )


def _message(place: int, turn: Mapping[str, Any]) -> Message:
    message = Message(**turn)
    right = {
        "role": message.role in ROLES,
        "content": isinstance(message.content, str),
        "weight": isinstance(message.weight, int),
    }
    for name in (name for name, is_right in right.items() if not is_right):
        raise TypeError(f"messages[{place}].{name}: {getattr(message, name)!r} cannot be one")
    return message


def _with_rows(table: pa.Table, changed: list[tuple[int, dict[str, Any]]]) -> pa.Table:
    """The table with the rows at those places replaced."""
    if not changed:
        return table
    new = pa.Table.from_pylist([row for _, row in changed], schema=table.schema)
    order = list(range(len(table)))
    for number, (place, _) in enumerate(changed):
        order[place] = len(table) + number
    return pa.concat_tables([table, new]).take(pa.array(order, pa.int64())).combine_chunks()


def _detail(transform: Transform, error: BaseException) -> dict[str, Any]:
    where = f"{transform.path.name}:{plugin_line(transform.path, error)}"
    return {
        "rule": FAILED,
        "version": f"{transform.name}-{transform.version}",
        "value": 1,
        "bound": 0,
        "evidence": mask(f"{type(error).__name__}: {error} ({where})"),  # an error may tell what the row said
    }
