"""Small tables of conversations for tests."""

from collections.abc import Sequence

import pyarrow as pa

from tuneloom.records import Conversation, Message, Origin, to_table


def chat(prompt: str, answer: str, **more: object) -> Conversation:
    """One exchange."""
    return Conversation((Message("user", prompt), Message("assistant", answer)), **more)  # type: ignore[arg-type]


def table_of(pairs: Sequence[tuple[str, str]], source: str = "made") -> pa.Table:
    """A table of (prompt, answer) rows, numbered from 1."""
    return to_table((Origin(source, "rows.jsonl", n), chat(*pair)) for n, pair in enumerate(pairs, 1))
