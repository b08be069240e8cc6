"""A table without names, FLAN's chain-of-thought files: input, answer and, where there is a third column, rationale.

The answer that is learned is the rationale, a blank line, and the short answer; the short one is the reference.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import exchange, joined
from tuneloom.records import Conversation

_TABLES = ({"1", "2"}, {"1", "2", "3"})
TASK_FROM_FILE = True


def claims(row: Mapping[str, Any]) -> int:
    """{"1": "Is ice hot?", "2": "no", "3": "Ice is frozen."} -> 3; other keys, or a number or nothing first -> 0"""
    words = all(isinstance(cell, str) for cell in row.values()) and any(map(str.isalpha, row.get("1", "")))
    return len(row) if words and row.keys() in _TABLES else 0


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Is ice hot?", assistant "Ice is frozen.\\n\\nno", references ("no",)."""
    asked, answer, rationale = (_unescaped(row.text(name), row.flags) for name in ("1", "2", "3"))
    fields = {"instruction": asked, "rationale": rationale}
    yield Conversation(exchange(asked, joined(rationale, answer)), fields, references=(answer,))


def _unescaped(text: str, flags: list[str]) -> str:
    """The two letters "\\\\n" -> a line break (flagged): a line of a table holds no other."""
    if "\\n" in text:
        text = text.replace("\\n", "\n")
        flags.append("line breaks unescaped")
    return text
