"""Conversations -> a mixture artifact in a real store, and what render makes of it."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.keys import Spec
from tuneloom.artifacts.store import Store
from tuneloom.config import Render
from tuneloom.records import Conversation, Message, Origin, to_table
from tuneloom.render.stage import render


def talk(*texts: str, task: str | None = None, **more) -> Conversation:
    """`talk("Hi", "Yo")` -> a conversation of a user and an assistant."""
    messages = tuple(Message(("user", "assistant")[i % 2], text) for i, text in enumerate(texts))
    return Conversation(messages, task=task, **more)


def mixture(
    store: Path,
    rows: Sequence[tuple[str, Conversation]],
    repeats: Sequence[int] = (),
    name: str = "code",
    group: pa.Array | None = None,
) -> Artifact:
    """(side, conversation) pairs as the mixture stage leaves them."""
    table = to_table((Origin("made", "rows.jsonl", n), row) for n, (_, row) in enumerate(rows, start=1))
    table = table.append_column("side", pa.array([side for side, _ in rows]))
    table = table.append_column("repeat", pa.array(list(repeats) or [1] * len(rows), pa.int32()))
    if group is not None:
        table = table.append_column("group", group)

    def build(writer):
        writer.count(rows_in=len(table))
        writer.add(table)

    return Store(store).ensure(Spec("mixture", name), build)


def rendered(
    store: Path, rows: Artifact, model: Path, max_length: int = 256, seed: int = 0, folder: Path = Path(), **more
) -> Artifact:
    """The render artifact of a mixture; `more` are settings of the section `render`."""
    config = Render(max_length=max_length, **more)
    spec = Spec("render", "code", seed, config.model_dump(mode="json"), parents=(rows.reference,))
    return Store(store).ensure(spec, lambda writer: render(writer, rows, config, model, seed, folder))
