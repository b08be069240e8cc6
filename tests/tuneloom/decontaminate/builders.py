"""Rows with sides for tests of decontamination, as split leaves them, and what became of them."""

import json
from collections.abc import Sequence

import pyarrow as pa

from tests.tuneloom.dedup.builders import Row, numbered, run
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Decontaminate
from tuneloom.decontaminate.stage import decontaminate
from tuneloom.records import Conversation, Message, canonical, digest, to_table
from tuneloom.suites import Suite

QUESTION = (
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. "
    "How many clips did Natalia sell altogether in April and May?"
)
SOLUTION = "In May Natalia sold 24 clips, so it was 72 clips altogether."


def talk(*turns: tuple[str, str], **more: object) -> Conversation:
    """A conversation of (role, text)."""
    return Conversation(tuple(Message(role, text) for role, text in turns), **more)


def asked(*questions: str, **more: object) -> Conversation:
    """An evaluation row that only asks."""
    return talk(*(("user", question) for question in questions), use="evaluate", **more)


def suite_rows(*conversations: Conversation, source: str = "suite", file: str = "test.jsonl") -> list[Row]:
    """Evaluation rows 1, 2, ... of one file."""
    return numbered([row.but(use=row.use if row.use != "train" else "evaluate") for row in conversations], source, file)


def rows_with_sides(store: Store, rows: Sequence[Row], sides: Sequence[str] = (), parts: int = 1) -> Artifact:
    """The artifact that split would leave; training rows are of `sides`, of the train side where it says none.
    `parts` > 1 hands the rows on in as many pieces."""
    ended = iter(sides)
    column = ["suite" if row.use != "train" else next(ended, "train") for _, row in rows]
    table = to_table(rows).append_column("side", pa.array(column, pa.string()))
    size = max(1, -(-len(table) // parts))
    pieces = [table.slice(start, size) for start in range(0, max(1, len(table)), size)]

    def keep(piece: pa.Table, writer: Writer) -> None:
        writer.count(rows_in=len(piece))
        writer.add(piece)

    members = [
        store.ensure(
            Spec("split", "part", inputs={"rows": digest(canonical(piece.to_pylist()))}),
            lambda writer, piece=piece: keep(piece, writer),
        )
        for piece in pieces
    ]
    spec = Spec("split", "union", parents=tuple(member.reference for member in members))
    return store.ensure(
        spec, lambda writer: writer.union((m.reference, m.manifest.counts, dict(m.manifest.reasons)) for m in members)
    )


def cleaned(
    store: Store,
    rows: Sequence[Row],
    sides: Sequence[str] = (),
    parts: int = 1,
    off: bool = False,
    suites: Sequence[Suite] = (),
    **config: object,
) -> Artifact:
    """The stage's artifact over these rows."""
    section = None if off else Decontaminate(**config)
    before = rows_with_sides(store, rows, sides, parts)
    inputs = {"config": section.model_dump(mode="json") if section else None}
    return run(store, "decontaminate", before, lambda writer: decontaminate(writer, before, section, suites), inputs)


def rejected(artifact: Artifact) -> dict[int, tuple[str, str]]:
    """Row number -> (rule, the evaluation row) of the rejected rows."""
    return {
        row["origin"]["row"]: (
            json.loads(row["detail"])["rule"],
            "{source}:{file}:{row}".format(**row["duplicate_of"]),
        )
        for row in artifact.rejected().to_pylist()
    }


def against(store: Store, evaluation: Sequence[Conversation], *training: Conversation, **config: object) -> dict:
    """`rejected` of training rows 1, 2, ... against evaluation rows 1, 2, ... of one file."""
    return rejected(cleaned(store, [*suite_rows(*evaluation), *numbered(training)], **config))
