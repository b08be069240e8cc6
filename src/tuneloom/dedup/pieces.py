"""Pieces: the parts of the ingested files, each worked on wherever a pool likes: a thread, a process, another machine.

A description of the piece goes there; what comes back is small. Rows are read from the store, which all must reach.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Reference, Store
from tuneloom.dedup.fingerprints import fingerprint, sets_of
from tuneloom.dedup.ledger import COLUMNS as ENTRIES
from tuneloom.dedup.ledger import entries
from tuneloom.errors import BrokenArtifact
from tuneloom.records import canonical, digest
from tuneloom.text.content import COLUMNS
from tuneloom.text.shingles import Shingles, joined
from tuneloom.text.signatures import Bands
from tuneloom.workers import Threads

MEMO = "fingerprints-v4"
"""Name of the memo; count the version up whenever keys, shingles, signatures or the ledger's entries change."""


@dataclass(frozen=True)
class Piece:
    """A part of an artifact in the store at `store`; `start` is the position of its first row among all rows."""

    store: str
    member: Reference
    file: str
    start: int
    rows: int

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Its rows, a few thousand at a time: a part of text takes many times its size while it is worked on.

        Raises BrokenArtifact where they are gone.
        """
        artifact = open_store(self.store).find(self.member)
        if artifact is None:
            raise BrokenArtifact(f"artifact {self.member} is gone", where=self.store, remedy="Run again.")
        with pq.ParquetFile(artifact.path(self.file)) as file:
            for batch in file.iter_batches(_BATCH, columns=list(columns) if columns else None):
                yield pa.Table.from_batches([batch])

    def chosen(self, columns: Sequence[str], rows: np.ndarray) -> Iterator[pa.Table]:
        """The same of chosen rows, int64 (k,) ascending."""
        start = 0
        for table in self.tables(columns):
            first, last = np.searchsorted(rows, [start, start + len(table)])
            if first < last:
                yield table.take(pa.array(rows[first:last] - start))
            start += len(table)


_BATCH = 4096


@functools.lru_cache(1)
def open_store(url: str) -> Store:
    """The store, once a process."""
    return Store(url)


def pieces_of(store: Store, rows: Artifact) -> list[Piece]:
    """All parts of an artifact and its members that hold rows; positions count over them in this order."""
    found, start = [], 0
    for artifact in (rows, *rows.members):
        for file in artifact.manifest.files:
            if file.path.startswith("part-") and file.rows:
                found.append(Piece(store.url, artifact.reference, file.path, start, file.rows))
                start += file.rows
    return found


@dataclass(frozen=True)
class Mark:
    """Makes the fingerprints of a piece, or finds them in the memo, with the entries of its rows in the ledger."""

    bands: Bands
    compare: str
    threads: int

    def __call__(self, piece: Piece) -> pa.Table:
        """Columns of `fingerprint` and of `ledger.entries`."""
        what = {"bands": self.bands.count, "rows": self.bands.rows, "compare": self.compare}
        key = f"{piece.member.key}-{digest(canonical([piece.file, what]))[:16]}"
        return open_store(piece.store).memo(MEMO, key, functools.partial(self._make, piece))

    def _make(self, piece: Piece) -> pa.Table:
        made = Threads(self.threads).map(self._mark, piece.tables((*ENTRIES, *COLUMNS)))
        return pa.concat_tables(made, promote_options="permissive").unify_dictionaries()

    def _mark(self, table: pa.Table) -> pa.Table:
        made, found = fingerprint(table, self.bands, self.compare), entries(table)
        return pa.table([*made.columns, *found.columns], names=[*made.column_names, *found.column_names])


@dataclass(frozen=True)
class TakeSets:
    """Shingle sets, of prompts and of answers, of chosen rows of a piece."""

    threads: int

    def __call__(self, chosen: tuple[Piece, np.ndarray]) -> tuple[Shingles, Shingles]:
        """`chosen`: the piece and the rows of it, int64 (k,)."""
        piece, rows = chosen
        made = list(Threads(self.threads).map(sets_of, piece.chosen(COLUMNS, rows)))
        return joined([prompt for prompt, _ in made]), joined([answer for _, answer in made])


def chosen_rows(pieces: Sequence[Piece], positions: np.ndarray) -> list[tuple[Piece, np.ndarray]]:
    """The pieces that hold rows at the sorted `positions` int64 (m,), with these rows counted within each."""
    found = []
    for piece in pieces:
        first, last = np.searchsorted(positions, [piece.start, piece.start + piece.rows])
        if first < last:
            found.append((piece, positions[first:last] - piece.start))
    return found
