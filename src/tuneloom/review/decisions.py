"""What people decided: a JSONL file that the config names, one decision a line, the last word on a row and rule counts.

The file is an input of the stage, so that decisions survive every refresh: they go by a row's id, which is the hash of
what it said when it was read. Lines are only ever added, but for those of rows that are taken down; who decided, when
and why stays with each.
"""

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tuneloom.errors import ConfigError, NotPermitted
from tuneloom.records import canonical, digest

DECISIONS = ("keep", "reject", "edit")
_ID = re.compile(r'"id"\s*:\s*"([0-9a-f]+)"')


@dataclass(frozen=True)
class Decision:
    """One word about one row: `edit` keeps the row with `new_request` as its last question, `new_answer` as its last
    answer. `time` is ISO 8601 in UTC.

    Decision("5f0c...", "sample", "edit", "ada", "2026-11-24T09:30:00+00:00", "wrong sum", new_answer="12")
    """

    id: str
    rule: str
    decision: str
    reviewer: str
    time: str
    reason: str = ""
    new_request: str = ""
    new_answer: str = ""


def read_decisions(path: Path | None) -> tuple[Decision, ...]:
    """The last word on each (id, rule), in their order; none where the file is not there yet.

    Raises ConfigError with file, line and field for a line that is no decision.
    """
    if path is None:
        return ()
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise NotPermitted(
            f"the decisions cannot be read: {error.strerror}", where=str(path), remedy="Change its mode."
        ) from error
    return _parsed(text, path)


def decisions_key(decisions: Iterable[Decision]) -> str:
    """Hash of what was decided; neither the order of the file nor overruled lines change it."""
    return digest(canonical([asdict(one) for one in decisions]))


def add_decisions(path: Path, decisions: Iterable[Decision]) -> None:
    """Adds lines to the file, all or none of them. Raises ConfigError where the file would not be read again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text("utf-8") if path.exists() else ""
    gap = "\n" if before and not before.endswith("\n") else ""
    told = "".join(f"{json.dumps(_told(one), ensure_ascii=False)}\n" for one in decisions)
    _parsed(before + gap + told, path)
    _replace(path, before + gap + told)


def forget_decisions(path: Path, ids: Collection[str]) -> int:
    """Takes what was said of these rows out of the file, in one step; how many lines went. A line that is no decision
    goes too if it names one of them: it holds new words of the row as any other."""
    lines = path.read_text("utf-8").split("\n") if path.is_file() else []
    left = [line for line in lines if not set(_ID.findall(line)) & set(ids)]
    if len(left) < len(lines):
        _replace(path, "\n".join(left))
    return len(lines) - len(left)


def check_decision(values: Mapping[str, Any], where: str) -> None:
    """Raises ConfigError unless the fields of a decision are complete and agree."""
    decision = values.get("decision")
    if decision not in DECISIONS:
        raise _wrong("decision", f"is {decision!r}", where, f"Write {', '.join(DECISIONS)}, or nothing for later.")
    for name in ("id", "rule", "reviewer", *(["reason"] if decision != "keep" else [])):
        if not values.get(name):
            raise _wrong(name, "is empty", where, f"A row that is decided ({decision}) needs it.")
    edited = [name for name in ("new_request", "new_answer") if values.get(name)]
    if decision == "edit" and not edited:
        raise _wrong("new_answer", "is empty", where, "An edit needs new_answer or new_request.")
    if decision != "edit" and edited:
        raise _wrong(edited[0], f"is filled in, but the decision is {decision}", where, "Write edit, or empty it.")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, "utf-8")
    os.replace(part, path)


def _parsed(text: str, path: Path) -> tuple[Decision, ...]:
    """The last word on each (id, rule), in their order."""
    last = {}
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: U+2028 and its like stay raw within JSON
        if line.strip():
            one = _decision(line, f"{path}: line {number}")
            last[one.id, one.rule] = one
    return tuple(last[key] for key in sorted(last))


def _wrong(field: str, what: str, where: str, remedy: str) -> ConfigError:
    return ConfigError(f"{field} {what}", where=f"{where}, field {field}", remedy=remedy)


def _decision(line: str, where: str) -> Decision:
    names = [field.name for field in fields(Decision)]
    try:
        values = json.loads(line)
    except ValueError as error:
        raise ConfigError(f"no JSON: {error}", where=where, remedy="Mend or remove the line.") from None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ConfigError("no object of texts", where=where, remedy=f"Fields: {', '.join(names)}.")
    if unknown := set(values) - set(names):
        raise ConfigError(f"unknown field {sorted(unknown)[0]!r}", where=where, remedy=f"Fields: {', '.join(names)}.")
    check_decision(values, where)
    return Decision(**{"time": "", **values})


def _told(decision: Decision) -> dict[str, str]:
    return {name: value for name, value in asdict(decision).items() if value}
