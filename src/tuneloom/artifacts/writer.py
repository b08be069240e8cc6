"""What a stage writes with: kept, held and rejected rows, other files, counts, and folders to work in.

Rows lie on shelves (shelves.py) until the end, so that memory stays bounded and the bytes depend on the rows alone, not
on how the stage partitioned them.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from tuneloom.artifacts.keys import Reference, Spec
from tuneloom.artifacts.manifest import Counts, Manifest, check_inside, describe_file, make_manifest
from tuneloom.artifacts.shelves import Shelves
from tuneloom.records import Reject, canonical, rejects_table

_SCRATCH = ".scratch"


class Writer:
    """Collects one artifact in a work folder; the store commits it. Not thread-safe: one writer, one thread.

    def build(writer: Writer) -> None:
        for table in rows.tables():
            writer.count(rows_in=len(table))
            writer.add(table.filter(good))
            writer.hold(table.filter(doubtful))
            writer.reject(reject_rows(table.filter(bad), "too long", details))
    """

    def __init__(self, spec: Spec, folder: Path, resume: Path) -> None:
        self.spec, self.folder = spec, folder
        self.stats: dict[str, Any] = {}
        """Whatever `show` and the report need, as plain values; goes to stats.json."""
        self._resume = resume
        self._rows = Shelves(folder, "part")
        self._held = Shelves(folder, "held/part")
        self._rejects = Shelves(folder, "rejected/part")
        self._reasons: Counter[str] = Counter()
        self._added: Counter[str] = Counter()
        self._files: dict[str, int | None] = {}
        self._members: tuple[Reference, ...] = ()
        self._member_counts = Counts(0, 0, 0, 0, 0)
        self._started = time.monotonic()

    @property
    def resume(self) -> Path:
        """A folder of this key alone that outlives a killed process and goes after the commit: what the next try
        starts from.

        checkpoint = writer.resume / "checkpoint.safetensors"
        step = load(checkpoint) if checkpoint.is_file() else 0
        """
        self._resume.mkdir(parents=True, exist_ok=True)
        return self._resume

    @property
    def scratch(self) -> Path:
        """A folder that never becomes part of the artifact and is gone after this try, whatever its end.

        buckets = [pa.ipc.new_file(writer.scratch / f"band-{n}.arrow", schema) for n in range(bands)]
        """
        place = self.folder / _SCRATCH
        place.mkdir(exist_ok=True)
        return place

    def add(self, table: pa.Table) -> None:
        """Keeps rows; every call brings the same schema, with columns `id` and `origin`."""
        self._rows.append(table)
        self._added["rows_out"] += len(table)

    def hold(self, table: pa.Table) -> None:
        """Holds rows back for a person to decide: counted as held, read by `Artifact.held`. Every call
        brings the same schema: that of `add`, and a column of why."""
        self._held.append(table)
        self._added["held"] += len(table)

    def reject(self, rejects: Iterable[Reject]) -> None:
        """Rejects rows, each with its reason."""
        batch = list(rejects)
        if not batch:
            return
        self._reasons.update(reject.reason for reject in batch)
        self._added["rejected"] += len(batch)
        self._rejects.append(rejects_table(self.spec.stage, batch))

    def count(self, *, rows_in: int = 0, made: int = 0, rows_out: int = 0) -> None:
        """Adds to the counts; `rows_out` only for rows that were written by `file` instead of `add`."""
        self._added.update(rows_in=rows_in, made=made, rows_out=rows_out)

    def file(self, path: str, rows: int | None = None) -> Path:
        """The place for a file of the stage's own making (`adapter/weights.safetensors`); write it before the end."""
        check_inside(path, self.spec.stage)
        self._files[path] = rows
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def union(self, members: Iterable[tuple[Reference, Counts, dict[str, int]]]) -> None:
        """Makes this artifact the union of others, none of their rows copied, and of what it adds itself; counts and
        reasons add up."""
        for reference, counts, reasons in members:
            self._members += (reference,)
            self._member_counts += counts
            self._reasons.update(reasons)

    def finish(self) -> Manifest:
        """Writes parts, rejects and stats, checks conservation, and returns the manifest (not yet written)."""
        counts = self._counts()
        counts.check(self.spec.stage)
        files = [
            *self._rows.write_parts(),
            *self._held.write_parts(),
            *self._rejects.write_parts(),
        ]
        shutil.rmtree(self.folder / _SCRATCH, ignore_errors=True)
        self.file("stats.json").write_text(canonical(self.stats), "utf-8")
        files += [describe_file(self.folder, path, rows) for path, rows in sorted(self._files.items())]
        seconds = time.monotonic() - self._started
        return make_manifest(self.spec, counts, self._reasons, tuple(files), self._members, seconds)

    def _counts(self) -> Counts:
        if not self._added and not self._members:
            return Counts()
        own = Counts(*(self._added[name] for name in ("rows_in", "made", "rows_out", "rejected", "held")))
        return own + self._member_counts
