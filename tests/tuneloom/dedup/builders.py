"""Small ingest artifacts for tests: conversations in, an artifact that is the union of one artifact a file out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Dedup, Near
from tuneloom.dedup.bands import shared_buckets
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.dedup.ledger import Ledger, LedgerBuilder, entries
from tuneloom.dedup.pieces import Piece, pieces_of
from tuneloom.dedup.stage import collect, shingle_sets
from tuneloom.dedup.verdicts import Verdicts, judge
from tuneloom.records import Conversation, Message, Origin, canonical, digest, to_table
from tuneloom.text.signatures import Bands, bands_for
from tuneloom.workers import Pool, Threads

Row = tuple[Origin, Conversation]


def said(prompt: str, answer: str, **more: object) -> Conversation:
    """A conversation of one turn."""
    return Conversation((Message("user", prompt), Message("assistant", answer)), **more)


def numbered(conversations: Iterable[Conversation], source: str = "web", file: str = "a.jsonl") -> list[Row]:
    """Rows 1, 2, ... of one file."""
    return [(Origin(source, file, number), row) for number, row in enumerate(conversations, 1)]


def ingest(store: Store, files: Sequence[pa.Table]) -> Artifact:
    """The artifact that ingest would leave of these files."""
    members = [store.ensure(_spec(table), lambda writer, table=table: _keep(writer, table)) for table in files]
    spec = Spec("ingest", "union", parents=tuple(member.reference for member in members))
    return store.ensure(
        spec,
        lambda writer: writer.union((m.reference, m.manifest.counts, dict(m.manifest.reasons)) for m in members),
    )


def ingest_rows(store: Store, *files: Sequence[Row]) -> Artifact:
    """The same of rows."""
    return ingest(store, [to_table(rows) for rows in files])


def run(
    store: Store,
    stage: str,
    parent: Artifact,
    build: Callable[[Writer], None],
    inputs: Mapping[str, object] | None = None,
) -> Artifact:
    """A stage's artifact, made by `build(writer)`."""
    spec = Spec(stage, "test", inputs=dict(inputs or {}), parents=(parent.reference,))
    return store.ensure(spec, build)


def _keep(writer: Writer, table: pa.Table) -> None:
    writer.count(rows_in=len(table))
    writer.add(table)


def _spec(table: pa.Table) -> Spec:
    return Spec("ingest", "file", inputs={"rows": digest(canonical(table.to_pylist()))})


def marked(
    store: Store, rows: Artifact, bands: Bands, compare: str = "both", pool: Pool | None = None
) -> tuple[Fingerprints, Ledger, list[Path], list[Piece]]:
    """Fingerprints, ledger and band files of an ingest artifact, and its pieces."""
    pieces = pieces_of(store, rows)
    return *collect(pieces, bands, compare, pool or Threads(1), store.folder / ".bands"), pieces


def judged(store: Store, rows: Artifact, config: Dedup, order: np.ndarray) -> Verdicts:
    """Verdicts on its rows, which compete in `order`."""
    near = config.near or Near()
    bands = bands_for(near.threshold) if near.search == "lsh" else Bands(0, 0)
    marks, _, files, pieces = marked(store, rows, bands, near.compare)
    pool = Threads(1)
    return judge(
        marks,
        order,
        config,
        lambda chosen: shared_buckets(files, chosen, pool, 1 << 30),
        lambda wanted: shingle_sets(pieces, wanted, pool, store.folder / ".sets"),
    )


def make_ledger(tables: Sequence[pa.Table]) -> Ledger:
    """The ledger of all rows of some tables of `COLUMNS`, in order."""
    builder = LedgerBuilder(sum(map(len, tables)))
    for table in tables:
        builder.add(entries(table))
    return builder.ledger()
