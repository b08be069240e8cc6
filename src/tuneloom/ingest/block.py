"""Some rows of a file to conversations and rejects: a pure function of the rows and of how the file is read."""

import functools
import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tuneloom.config import Source
from tuneloom.ingest.checks import settle
from tuneloom.ingest.columns import check_columns, in_lower_case, rename
from tuneloom.ingest.describe import file_task, own_labels, with_detected, with_labels
from tuneloom.ingest.detect import Detection, detect, named, unclaimed
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.formats import Format, formats
from tuneloom.ingest.licenses import check_license
from tuneloom.ingest.readers import Line, ReadFault
from tuneloom.ingest.readers.decoding import decode
from tuneloom.ingest.row import Rejected, Row, shorten
from tuneloom.ingest.takedowns import REASON, words_digest
from tuneloom.records import Conversation, Origin, Reject, canonical, content_digest, digest, to_table

VERSION = 1
"""Of what is rejected and why; stands in each reject."""
LABELS = ("repairs", "languages", "kinds", "tasks", "categories", "licenses")
"""What is tallied for `show`, `init` and the report."""


@dataclass(frozen=True)
class Terms:
    """What a whole run says of every file: the entries of the list of takedowns (takedowns.py), the licences that may
    train (None: any), and the files of formats of the user's own."""

    takedowns: frozenset[str] = frozenset()
    licenses: frozenset[str] | None = None
    plugins: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How a file's rows are read: their format, found or named (None: nobody knows it), or why none can be."""

    file: SourceFile
    source: Source
    terms: Terms
    format: Detection | None
    misfit: Rejected | None

    @property
    def parser(self) -> Format | None:
        """The format's module; looked up anew, for a module does not travel to a worker process."""
        return formats(self.terms.plugins)[self.format.format] if self.format else None

    @functools.cached_property
    def task(self) -> str | None:
        """The task that the file's name gives its rows, where their format names files so."""
        return file_task(self.file.relative)


@dataclass(frozen=True)
class Converted:
    """What became of `rows` source rows: a table of `ROWS`, rejects, and how often each label of `LABELS` was given.
    `apart` of the rows were converted one by one."""

    rows: int
    kept: pa.Table
    rejects: list[Reject]
    tallies: Mapping[str, Counter[str]]
    apart: int

    @property
    def made(self) -> int:
        """How many more instances there are than source rows."""
        return len(self.kept) + len(self.rejects) - self.rows


def decide_reading(file: SourceFile, source: Source, terms: Terms, first: Sequence[Mapping[str, Any]]) -> Reading:
    """By the first rows that are objects; where nobody knows their names, by these in small letters.

    Raises ConfigError for a format that there is not.
    """
    columns = source.columns or {}
    misfit = check_columns(first, columns) if first else None
    if source.format != "auto":
        found: Detection | None = named(source.format, source.name, terms.plugins)
    else:
        found = detect([rename(row, columns) for row in first] if columns else first, terms.plugins)
        if found is None and not columns and (columns := in_lower_case(first)):
            found = detect([rename(row, columns) for row in first], terms.plugins)
            source = source.model_copy(update={"columns": columns}) if found else source
    return Reading(file, source, terms, found, misfit)


def convert(lines: Iterable[Line], how: Reading) -> Converted:
    """Each row to conversations or rejects, in their order."""
    with _uncollected():
        return _convert(lines, how)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for cycles, of which there are none: it takes a third of the time of making rows."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _convert(lines: Iterable[Line], how: Reading) -> Converted:
    kept: list[tuple[Origin, Conversation]] = []
    rejects: list[Reject] = []
    rows, parser = 0, how.parser
    for line in lines:
        rows += 1
        for part, found in enumerate(_instances(line, how, parser)):
            origin = Origin(how.file.source, how.file.relative, line.number, part)
            if isinstance(found, Rejected):
                rejects.append(_reject(origin, found, line, how))
            else:
                kept.append((origin, found))
    said = with_detected([row for _, row in kept])
    table = to_table(zip((origin for origin, _ in kept), said, strict=True))
    return Converted(rows, table, rejects, _tallies(said), rows)


def _instances(line: Line, how: Reading, parser: Format | None) -> Iterator[Conversation | Rejected]:
    """One row's conversations and rejections, at least one of either."""
    if how.terms.takedowns and (gone := _taken_down(line_digest(line), how.terms)):
        yield gone
        return
    value = line.value
    if isinstance(value, ReadFault):
        yield Rejected(value.reason, evidence=value.evidence)
        return
    if not isinstance(value, dict):
        yield Rejected("not an object", "row", value, f"{type(value).__name__} where an object belongs")
        return
    if how.misfit:
        yield how.misfit
        return
    row = rename(value, how.source.columns) if how.source.columns else value
    if parser is None or how.format is None:
        yield unclaimed(row)
        return
    yield from _parsed(Row(row), how, how.format.format, parser)


def _parsed(row: Row, how: Reading, name: str, parser: Format) -> Iterator[Conversation | Rejected]:
    try:
        found = list(parser.parse(row))
    except Rejected as fault:
        yield fault
        return
    if not found:
        yield Rejected("no instance", evidence=f"the format {name} finds no instance in this row")
        return
    own, meta = own_labels(row), row.rest()
    task = how.task if getattr(parser, "TASK_FROM_FILE", False) else None
    several = getattr(parser, "INSTANCES", None)
    for number, one in enumerate(found):
        try:
            if how.terms.takedowns and several and len(found) > 1:
                _check_part(row.only(several, number), how.terms)
            if isinstance(one, Rejected):
                raise one
            one = with_labels(one, own, meta, how.source, task)
            yield _admitted(settle(one.but(flags=(*row.flags, *one.flags))), how.terms)
        except Rejected as fault:
            if several and len(found) > 1 and fault.reason != REASON:  # a row of thousands would be kept as often
                fault.record = row.only(several, number)
            yield fault


def line_digest(line: Line) -> str | None:
    """What the list of takedowns calls a source row: as `words_digest` of its reject, whatever the row is read as."""
    if line.raw is None:
        return None if isinstance(line.value, ReadFault) else digest(canonical(line.value))
    return digest(line.raw)


def _taken_down(entry: str | None, terms: Terms) -> Rejected | None:
    """Why a row is rejected that is called so, where it is in the list."""
    return Rejected(REASON, "takedowns", entry) if entry in terms.takedowns else None


def _check_part(record: Any, terms: Terms) -> None:
    """Raises Rejected for an instance of several whose reject was taken down."""
    if gone := _taken_down(digest(canonical(record)), terms):
        raise gone


def _admitted(conversation: Conversation, terms: Terms) -> Conversation:
    if terms.takedowns and (gone := _taken_down(content_digest(conversation), terms)):
        raise gone
    check_license(conversation, terms.licenses)
    return conversation


def _reject(origin: Origin, why: Rejected, line: Line, how: Reading) -> Reject:
    """With what is needed to mend it, its bytes as read or its record; without either where it was taken down."""
    raw, record = _kept_of(why, line)
    gone = why if why.reason == REASON else _taken_down(words_digest(raw, record), how.terms)
    if gone:
        return Reject(origin, REASON, {"rule": "ingest.takedowns", "version": VERSION, **gone.detail()})
    detail = {"rule": f"ingest.{_judge(line, how)}", "version": VERSION, **why.detail()}
    if "evidence" in detail:
        detail["evidence"] = shorten(detail["evidence"])
    return Reject(origin, why.reason, detail, raw=raw, record=record)


def _kept_of(why: Rejected, line: Line) -> tuple[bytes | None, str | None]:
    """A rejected row's bytes and record."""
    if why.record is not None:
        return None, canonical(why.record)
    record = None
    if not isinstance(line.value, ReadFault) and (line.raw is None or decode(line.raw) != line.value):
        record = canonical(line.value)  # a table's row: its bytes do not tell its columns
    return line.raw, record


def _judge(line: Line, how: Reading) -> str:
    """Whose verdict it is: the reader's, the column mapping's, the detection's, or the format's with its checks."""
    if isinstance(line.value, ReadFault):
        return "reader"
    if how.misfit:
        return "columns"
    return how.format.format if how.format else "detection"


def _tallies(rows: Sequence[Conversation]) -> dict[str, Counter[str]]:
    tallies: dict[str, Counter[Any]] = {
        "repairs": Counter(flag for row in rows for flag in row.flags),
        "languages": Counter(row.language for row in rows),
        "kinds": Counter(row.kind for row in rows),
        "tasks": Counter(row.task for row in rows),
        "categories": Counter(row.category for row in rows),
        "licenses": Counter(row.license for row in rows),
    }
    return {name: Counter({label: count for label, count in tallies[name].items() if label}) for name in LABELS}
