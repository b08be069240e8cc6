"""Judges conversations through a real store."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Quality
from tuneloom.quality.stage import judge
from tuneloom.records import Conversation, Origin, to_table


def table(rows: Sequence[Conversation], sides: Sequence[str] | None = None) -> pa.Table:
    """Rows as split hands them on."""
    made = to_table((Origin("made", "rows.jsonl", n), row) for n, row in enumerate(rows, 1))
    return made.append_column("side", pa.array(sides or ["train"] * len(rows), pa.string()))


def judged(
    folder: Path, rows: pa.Table, config: Quality | None = None, transforms: Sequence[Path] = (), name: str = "test"
) -> Artifact:
    """What the stage makes of the rows, of a code of this name, with the store's memos."""
    config, store = config or Quality(), Store(folder)

    def put(writer: Writer) -> None:
        writer.add(rows)
        writer.count(rows_in=len(rows))

    parent = store.ensure(Spec("split", name), put)
    spec = Spec("quality", name, config=config.model_dump(mode="json"), parents=(parent.reference,))
    return store.ensure(spec, lambda writer: judge(writer, parent, config, transforms, store.memo_rows))
