"""The stage: one file in, one artifact out; every row of the file is kept or rejected, in blocks of bounded memory."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from tuneloom.artifacts import Writer
from tuneloom.config import Source
from tuneloom.ingest import readers
from tuneloom.ingest.checks import settle
from tuneloom.ingest.columns import check_columns, rename
from tuneloom.ingest.describe import describe, own_labels
from tuneloom.ingest.detect import Detection, detect, named, unclaimed
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.formats import formats
from tuneloom.ingest.licenses import check_license
from tuneloom.ingest.readers import Line, ReadFault, UnreadableFile
from tuneloom.ingest.readers.opening import stem
from tuneloom.ingest.row import Rejected, Row, shorten
from tuneloom.records import ROWS, Conversation, Origin, Reject, canonical, content_digest, to_table

BLOCK = 2_000
"""Source rows held at once."""


def ingest_file(
    writer: Writer,
    file: SourceFile,
    source: Source,
    takedowns: frozenset[str],
    limit: int | None,
    allowed: Collection[str] | None = None,
) -> None:
    """Writes a file's conversations (schema `records.ROWS`) and rejects; `limit` reads only the first rows.
    `allowed` are the licences that may train (None: any).

    A row with several instances counts once as read, its further instances as made. A file that cannot be read is
    itself one rejected row. Raises ConfigError for an unknown format.
    """
    work = _FileWork(file, source, takedowns, allowed)
    writer.add(ROWS.empty_table())
    writer.count(rows_in=0)
    for block in _blocks(file, limit):
        kept, rejects, made = work.block(block)
        writer.count(rows_in=len(block), made=made)
        writer.add(to_table(kept))
        writer.reject(rejects)
    writer.stats = work.stats()


def _blocks(file: SourceFile, limit: int | None) -> Iterator[list[Line]]:
    """The file's rows in blocks; where it cannot be read (on), a last row says so, number 0 if it is the only one."""
    rows, last = readers.read(file.path), 0
    rest = islice(rows, limit)
    while True:
        block: list[Line] = []
        try:
            for line in islice(rest, BLOCK):
                block.append(line)
                last = line.number
        except UnreadableFile as fault:
            block.append(Line(last + 1 if last else 0, None, ReadFault("unreadable file", str(fault))))
            yield block
            return
        if not block:
            return
        yield block


class _FileWork:
    """What is known about one file while its blocks go through: its format, and the tallies for `stats`."""

    def __init__(
        self, file: SourceFile, source: Source, takedowns: frozenset[str], allowed: Collection[str] | None
    ) -> None:
        self._file, self._source, self._takedowns, self._allowed = file, source, takedowns, allowed
        self._format: Detection | None = None if source.format == "auto" else named(source.format, source.name)
        self._misfit: Rejected | None = None
        self._looked = False
        self._rows = 0
        self._tallies: dict[str, Counter[str]] = {
            name: Counter() for name in ("repairs", "languages", "kinds", "tasks", "categories", "licenses")
        }

    def block(self, lines: list[Line]) -> tuple[list[tuple[Origin, Conversation]], list[Reject], int]:
        """Rows kept, rows rejected, and how many more instances than source rows there were."""
        self._look([line.value for line in lines if isinstance(line.value, dict)])
        kept: list[tuple[Origin, Conversation]] = []
        rejects: list[Reject] = []
        for line in lines:
            for part, found in enumerate(self._instances(line.value)):
                origin = Origin(self._file.source, self._file.relative, line.number, part)
                if isinstance(found, Rejected):
                    rejects.append(self._reject(origin, found, line))
                else:
                    kept.append((origin, found))
                    self._tally(found)
        self._rows += len(lines)
        return kept, rejects, len(kept) + len(rejects) - len(lines)

    def stats(self) -> dict[str, Any]:
        """For `show` and the report."""
        return {
            "file": self._file.relative,
            "format": self._format.format if self._format else None,
            "confidence": self._format.confidence if self._format else None,
            "rows": self._rows,
            **{name: dict(sorted(tally.items())) for name, tally in self._tallies.items()},
        }

    def _look(self, rows: list[dict[str, Any]]) -> None:
        """Checks the column mapping on the first block with objects, and detects the format as soon as one fits."""
        if not rows:
            return
        columns = self._source.columns or {}
        if not self._looked:
            self._looked, self._misfit = True, check_columns(rows, columns)
        if self._format is None:
            self._format = detect([rename(row, columns) for row in rows[:BLOCK]] if columns else rows)

    def _instances(self, value: Any) -> Iterator[Conversation | Rejected]:
        """One row's conversations and rejections, at least one of either."""
        if isinstance(value, ReadFault):
            yield Rejected(value.reason, evidence=value.evidence)
            return
        if not isinstance(value, dict):
            yield Rejected("not an object", "row", value, f"{type(value).__name__} where an object belongs")
            return
        if self._misfit:
            yield self._misfit
            return
        row = rename(value, self._source.columns) if self._source.columns else value
        if self._format is None:
            yield unclaimed(row)
            return
        yield from self._parsed(Row(row), self._format.format)

    def _parsed(self, row: Row, name: str) -> Iterator[Conversation | Rejected]:
        parser = formats()[name]
        try:
            found = list(parser.parse(row))
        except Rejected as fault:
            yield fault
            return
        if not found:
            yield Rejected("no instance", evidence=f"the format {name} finds no instance in this row")
            return
        own, meta = own_labels(row), row.rest()
        task = stem(self._file.relative) if getattr(parser, "TASK_FROM_FILE", False) else None
        for one in found:
            if isinstance(one, Rejected):
                yield one
                continue
            one = replace(one, use=self._source.use, task=one.task or task, flags=(*row.flags, *one.flags))
            try:
                yield self._admitted(describe(settle(one), own, meta, self._source))
            except Rejected as fault:
                yield fault

    def _admitted(self, conversation: Conversation) -> Conversation:
        if self._takedowns and (identity := content_digest(conversation)) in self._takedowns:
            raise Rejected("taken down", evidence=f"id {identity} is in the list of takedowns")
        check_license(conversation, self._allowed)
        return conversation

    def _reject(self, origin: Origin, why: Rejected, line: Line) -> Reject:
        if why.reason == "taken down":
            return Reject(origin, why.reason, why.detail())  # its words must not stay in the store
        record = None
        if line.raw is None and not isinstance(line.value, ReadFault):
            record = canonical(line.value)
        evidence = {name: shorten(text) for name, text in why.detail().items() if name == "evidence"}
        return Reject(origin, why.reason, {**why.detail(), **evidence}, raw=line.raw, record=record)

    def _tally(self, row: Conversation) -> None:
        self._tallies["repairs"].update(row.flags)
        labels = {"languages": row.language, "kinds": row.kind, "tasks": row.task}
        labels |= {"categories": row.category, "licenses": row.license}
        for name, label in labels.items():
            if label:
                self._tallies[name][label] += 1
