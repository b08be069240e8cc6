"""Held rows as a sheet that a person fills in, JSONL or CSV by the file's name, and the sheet read back.

Whatever is shown passes the personal-data mask. In CSV a cell that a spreadsheet would take for a formula begins with
an apostrophe (OWASP, "CSV Injection"), which is taken off again when the sheet is read. A long conversation is clipped
there, and says so, for a spreadsheet's cell takes 32,767 characters; a JSONL sheet shows it whole.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact
from tuneloom.errors import ConfigError
from tuneloom.review.decisions import Decision, check_decision
from tuneloom.text.personal_data import mask

TO_FILL = ("decision", "reviewer", "reason", "new_request", "new_answer")
SHOWN = ("id", "rules", "why", "origin", "request", "answer", "conversation")
SHEETS = "review"
"""The folder of the home where a run that waits for reviewers leaves the sheet of an artifact, `<key>.csv`."""
COLUMNS = (*SHOWN[:3], *TO_FILL, *SHOWN[3:])
_MOST_SHOWN = 30_000  # characters of a conversation
_FORMULA = tuple("=+-@\t\r＝＋－＠")


@dataclass(frozen=True)
class Sheet:
    """A sheet read back: the decisions on it, and how many of its rows are not decided yet."""

    decisions: tuple[Decision, ...]
    open: int


def write_sheet(held: Artifact, path: Path) -> int:
    """Writes the held rows of a review artifact, the columns to fill in empty; returns how many.

    Raises ConfigError for a name that ends in neither .jsonl nor .csv, or a file that is there already.
    """
    kind = _kind(path)
    if path.exists():
        raise ConfigError(f"{path.name} is there already", where=str(path), remedy="Give another name, or remove it.")
    rows = [_line(row) for row in held.held().to_pylist()]
    with path.open("w", encoding="utf-8" if kind == "jsonl" else "utf-8-sig", newline="") as stream:
        if kind == "jsonl":
            stream.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        else:
            table = csv.writer(stream)
            table.writerow(COLUMNS)
            for row in rows:
                row["conversation"] = _clipped(row["conversation"])
                table.writerow([_cell(_text(row[name])) for name in COLUMNS])
    return len(rows)


def read_sheet(path: Path, time: str) -> Sheet:
    """The decisions of a sheet that was filled in, made at `time`.

    Raises ConfigError naming file, row and field: the first that is wrong, and how many there are.
    """
    decisions: dict[tuple[str, str], Decision] = {}
    wrong: list[ConfigError] = []
    undecided = 0
    for where, row in _rows(path):
        if not any(row.get(name) for name in TO_FILL):
            undecided += 1
            continue
        try:
            for one in _decided(row, time, where):
                before = decisions.setdefault((one.id, one.rule), one)
                if before != one:
                    raise ConfigError(
                        f"row {one.id} is decided twice, and not alike", where=where, remedy="Remove one of the lines."
                    )
        except ConfigError as error:
            wrong.append(error)
    if wrong:
        more = f" ({len(wrong) - 1} more rows are wrong)" if len(wrong) > 1 else ""
        raise ConfigError(f"{wrong[0].what}{more}", where=wrong[0].where, remedy=wrong[0].remedy)
    return Sheet(tuple(decisions.values()), undecided)


def check_rows(
    new: Sequence[Decision], before: Sequence[Decision], rows: Artifact | None, held: Artifact | None, path: Path
) -> None:
    """Raises ConfigError for a decision on a row that is not among `rows` (stage quality's), or by a rule that does not
    hold it where `held` (stage review's) holds it by others; what was decided `before` may be said again. A stage that
    is None is not asked."""
    ids = pa.array([one.id for one in new], pa.string())
    known = {
        id
        for part in (rows.tables(["id"]) if rows else ())
        for id in part["id"].filter(pc.is_in(part["id"], ids)).to_pylist()
    }
    doubts = held.held(["id", "doubts"]).to_pylist() if held and held.files("held/") else []
    rules = {row["id"]: [doubt["rule"] for doubt in row["doubts"]] for row in doubts}
    said = {(one.id, one.rule) for one in before}
    for one in new:
        if rows and one.id not in known:
            remedy = "Leave it as the export wrote it, or remove the line."
            raise ConfigError(f"no row of the last run has the id {one.id}", where=f"{path}, field id", remedy=remedy)
        if one.id in rules and one.rule not in rules[one.id] and (one.id, one.rule) not in said:
            remedy = f"It is held by {', '.join(rules[one.id])}."
            raise ConfigError(f"no rule {one.rule!r} holds row {one.id}", where=f"{path}, field rules", remedy=remedy)


def _kind(path: Path) -> str:
    if path.suffix.lower() not in (".jsonl", ".csv"):
        raise ConfigError(f"{path.name!r} is neither JSONL nor CSV", where=str(path), remedy="Name it .jsonl or .csv.")
    return path.suffix.lower()[1:]


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a reviewer sees of a row."""
    words = {role: [m["content"] for m in row["messages"] if m["role"] == role] for role in ("user", "assistant")}
    origin = row["origin"]
    shown = {
        "id": row["id"],
        "rules": [doubt["rule"] for doubt in row["doubts"]],
        "why": "; ".join(map(_why, row["doubts"])),
        **dict.fromkeys(TO_FILL, ""),
        "origin": mask(f"{origin['source']}:{origin['file']}:{origin['row']}"),
        "request": mask((words["user"] or [""])[-1]),
        "answer": mask((words["assistant"] or [""])[-1]),
        "conversation": mask("\n\n".join(f"{m['role']}: {m['content']}" for m in row["messages"])),
    }
    return {name: shown[name] for name in COLUMNS}


def _why(doubt: Mapping[str, Any]) -> str:
    """`repeated phrase: 0.28, the bound is 0.3`."""
    near = f": {doubt['value']:.4g}, the bound is {doubt['bound']:.4g}" if doubt["bound"] is not None else ""
    return f"{doubt['rule']}{near}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _clipped(text: str) -> str:
    more = len(text) - _MOST_SHOWN
    return f"{text[:_MOST_SHOWN]}\n[{more:,} more characters: a .jsonl sheet shows them]" if more > 0 else text


def _cell(text: str) -> str:
    return f"'{text}" if text.lstrip(" '").startswith(_FORMULA) else text


def _plain(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip(" '").startswith(_FORMULA) else text


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row with its place; JSONL lines and CSV records are counted from 1, the header of a CSV being row 1."""
    kind = _kind(path)
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"no file {path.name}", where=str(path), remedy="Name the sheet that was filled in."
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"not UTF-8: {error}", where=str(path), remedy='Save it as "CSV UTF-8" in the spreadsheet.'
        ) from None
    yield from _jsonl(path, text) if kind == "jsonl" else _csv(path, text)


def _jsonl(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: U+2028 stays raw within JSON
        if not line.strip():
            continue
        where = f"{path}, row {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"no JSON: {error}", where=where, remedy="Mend the line.") from None
        if not isinstance(row, dict):
            raise ConfigError("no object", where=where, remedy=f"Fields: {', '.join(COLUMNS)}.")
        yield where, row


def _csv(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    csv.field_size_limit(sys.maxsize)
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    if missing := [name for name in ("id", "rules", *TO_FILL) if name not in (table.fieldnames or ())]:
        raise ConfigError(
            f"no column {missing[0]!r}", where=f"{path}, row 1", remedy="Keep the columns that the export wrote."
        )
    for number, row in enumerate(table, 2):
        if None in row:
            raise ConfigError(
                "more cells than columns", where=f"{path}, row {number}", remedy="Quote cells that hold the delimiter."
            )
        yield f"{path}, row {number}", _unquoted(row)


def _unquoted(row: Mapping[str, str | None]) -> dict[str, str]:
    """The cells without the apostrophes that the export wrote; new words have one where they were begun with a copy of
    a cell that has, and else it is the reviewer's own."""
    cells = {name: value or "" for name, value in row.items()}
    plain = {name: value if name in TO_FILL else _plain(value) for name, value in cells.items()}
    for shown, new in (("request", "new_request"), ("answer", "new_answer")):
        if shown in cells and plain[shown] != cells[shown]:
            plain[new] = _plain(cells[new])
    return plain


def _decided(row: Mapping[str, Any], time: str, where: str) -> Iterator[Decision]:
    """A decision for each rule that the row was held by."""
    said = {name: row.get(name) or "" for name in TO_FILL}
    if bad := [name for name, value in said.items() if not isinstance(value, str)]:
        raise ConfigError(f"{bad[0]} is no text", where=f"{where}, field {bad[0]}", remedy="Write a text.")
    said |= {name: said[name].strip() for name in ("decision", "reviewer", "reason")}
    said["decision"] = said["decision"].lower()
    for rule in _rules(row.get("rules"), where):
        values = {"id": row.get("id") or "", "rule": rule, **said}
        check_decision(values, where)
        yield Decision(**values, time=time)


def _rules(said: Any, where: str) -> list[str]:
    try:
        rules = json.loads(said) if isinstance(said, str) else said
    except ValueError:
        rules = None
    if not isinstance(rules, list) or not rules or not all(isinstance(rule, str) for rule in rules):
        raise ConfigError(
            f"rules is {said!r}", where=f"{where}, field rules", remedy="Leave it as the export wrote it."
        )
    return rules
