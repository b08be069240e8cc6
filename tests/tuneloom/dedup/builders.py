"""Small ingest artifacts for tests: conversations in, an artifact that is the union of one artifact a file out."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa

from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.records import Conversation, Message, Origin, canonical, digest, to_table

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
