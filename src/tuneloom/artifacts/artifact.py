"""Reading an artifact: its rows, rejects, files and stats. The store hands these out; nothing here writes."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.artifacts.keys import Reference
from tuneloom.artifacts.manifest import Manifest
from tuneloom.errors import BrokenArtifact
from tuneloom.records import REJECTS, ROWS


@dataclass(frozen=True)
class Artifact:
    """A committed artifact in `folder` (a local path; stores elsewhere are read through a local copy)."""

    manifest: Manifest
    folder: Path
    members: tuple["Artifact", ...] = ()
    reused: bool = False
    check: Callable[["Artifact"], None] = field(default=lambda artifact: None, repr=False, compare=False)
    """Called before the first read: compares the digests."""

    @property
    def reference(self) -> Reference:
        """Its name: stage and key."""
        return self.manifest.reference

    @property
    def stats(self) -> dict[str, Any]:
        """What the stage noted for people."""
        return json.loads(self.path("stats.json").read_text("utf-8"))

    def path(self, relative: str) -> Path:
        """A file of the artifact. Raises BrokenArtifact where its manifest does not list it."""
        self.check(self)
        if relative not in {file.path for file in self.manifest.files}:
            raise BrokenArtifact(
                f"artifact {self.reference} has no file {relative}", where=str(self.folder), remedy="Run again."
            )
        return self.folder / relative

    def files(self, prefix: str) -> list[Path]:
        """The listed files whose path starts with `prefix`, in order; those of the members too."""
        own = [self.path(file.path) for file in self.manifest.files if file.path.startswith(prefix)]
        return [*own, *(path for member in self.members for path in member.files(prefix))]

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The kept rows, a part at a time."""
        for path in self.files("part-"):
            yield pq.read_table(path, columns=list(columns) if columns else None)

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All kept rows. Raises BrokenArtifact for an artifact that holds none."""
        parts = list(self.tables(columns))
        if not parts:
            raise BrokenArtifact(
                f"artifact {self.reference} holds no rows", where=str(self.folder), remedy="Run again."
            )
        return pa.concat_tables(parts)

    def rejected(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rejected rows (schema `records.REJECTS`); `raw` and `record` are as large as the rows were."""
        return self._rows("rejected/", REJECTS, columns)

    def held(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows held back for a person to decide, in the schema of the kept ones and why they are held."""
        kept = self.files("part-")
        return self._rows("held/", pq.read_schema(kept[0]) if kept else ROWS, columns)

    def as_reused(self) -> "Artifact":
        """The same, marked as found rather than made."""
        return replace(self, reused=True)

    def _rows(self, prefix: str, schema: pa.Schema, columns: Sequence[str] | None) -> pa.Table:
        names = list(columns or schema.names)
        parts = [pq.read_table(path, columns=names if columns else None) for path in self.files(prefix)]
        return pa.concat_tables(parts) if parts else schema.empty_table().select(names)
