"""One file, looked at by the real ingestion with a writer that keeps nothing but counts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

import pyarrow as pa

from tuneloom.artifacts import Writer
from tuneloom.config import Source
from tuneloom.ingest import readers
from tuneloom.ingest.block import Terms
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.readers.opening import PACKED_ENDINGS
from tuneloom.ingest.stage import ingest_file
from tuneloom.records import Reject

LOOKED_AT = 20_000
"""Rows of a file that are ingested to learn its labels; the rest is only counted."""
COUNTED_BYTES = 100 << 20
"""Files up to this size are counted to their end; of larger ones the number of rows is estimated."""


@dataclass(frozen=True)
class FileSurvey:
    """What a file holds: `rows` in all (`count` says how sure that is), labels and rejects of the first `looked_at`."""

    file: SourceFile
    bytes: int
    rows: int
    count: str
    """`exact`, `about`, or `at least`."""
    looked_at: int
    kept: int
    reasons: Mapping[str, int]
    evidence: Mapping[str, str]
    """An example of each reason."""
    format: str | None
    use: str
    languages: Mapping[str, int]
    kinds: Mapping[str, int]
    licenses: Mapping[str, int]

    @property
    def usable(self) -> bool:
        """Whether any row can be used."""
        return self.kept > 0

    @property
    def empty(self) -> bool:
        """Whether there is no row at all."""
        return self.rows == 0


def look(file: SourceFile, looked_at: int = LOOKED_AT, counted_bytes: int = COUNTED_BYTES) -> FileSurvey:
    """Ingests the first rows of a file and counts the others. A set of prompts without answers, or of answers alone,
    is looked at again as what it can be used for: decontamination."""
    tally, use = _ingested(file, "train", looked_at), "train"
    if not tally.kept and tally.rows and tally.reasons.keys() <= _ONE_SIDED:
        other = _ingested(file, "decontaminate", looked_at)
        tally, use = (other, "decontaminate") if other.kept else (tally, use)
    size = file.path.stat().st_size if file.path.is_file() else 0  # a pipe, a link to nowhere
    rows, count = _counted(file, tally.rows, size, looked_at, counted_bytes)
    labels: dict[str, dict[str, int]] = {name: tally.stats.get(name) or {} for name in _LABELS}
    return FileSurvey(
        file, size, rows, count, tally.rows, tally.kept, dict(tally.reasons.most_common()), tally.evidence,
        tally.stats.get("format"), use, **labels,
    )  # fmt: skip


_ONE_SIDED = {"no answer", "no prompt"}
_LABELS = ("languages", "kinds", "licenses")


@dataclass
class _Tally:
    """Stands in for the artifact's writer: counts and forgets."""

    rows: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    evidence: dict[str, str] = field(default_factory=dict)
    stats: dict[str, Any] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        self.kept += len(table)

    def reject(self, rejects: Iterable[Reject]) -> None:
        for reject in rejects:
            self.reasons[reject.reason] += 1
            self.evidence.setdefault(reject.reason, str(reject.detail.get("evidence") or ""))

    def count(self, *, rows_in: int = 0, made: int = 0, rows_out: int = 0) -> None:
        self.rows += rows_in


def _ingested(file: SourceFile, use: str, limit: int) -> _Tally:
    tally = _Tally()
    source = Source.model_validate({"name": file.source, "path": str(file.path), "use": use})
    ingest_file(cast(Writer, tally), file, source, Terms(), limit)
    return tally


def _counted(file: SourceFile, seen: int, size: int, looked_at: int, counted_bytes: int) -> tuple[int, str]:
    """(rows, how sure): all of them where the file ended or is small enough to be read, else from its first rows."""
    if seen < looked_at:
        return seen, "exact"
    try:
        if size <= counted_bytes:
            return sum(1 for _ in readers.read(file.path)), "exact"
        lengths = [len(line.raw) + 1 for line in islice(readers.read(file.path), looked_at) if line.raw is not None]
    except readers.UnreadableFile:
        return seen, "at least"
    if not lengths or file.path.name.lower().endswith(PACKED_ENDINGS):
        return seen, "at least"
    return round(size * len(lengths) / sum(lengths)), "about"
