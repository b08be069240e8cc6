"""Super-NaturalInstructions as one row an instance: {"definition", "inputs", "targets", "task_name"}."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.nested import first_text, texts
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import exchange, joined
from tuneloom.records import Conversation

_INPUT, _ANSWER = ("inputs", "input"), ("targets", "target", "output")


def claims(row: Mapping[str, Any]) -> int:
    """{"definition": "Name the capital.", "inputs": "France", "targets": "Paris", "task_name": "task1"} -> 4"""
    return known(row, "definition", _INPUT, _ANSWER, also=("task_name",))


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Name the capital.\\n\\nFrance", assistant "Paris", task "task1"."""
    definition, given = first_text(row.take("definition")), row.text(*_INPUT)
    accepted = tuple(text for text in texts(row.take(*_ANSWER), "targets", row.flags) if text.strip())
    turns = exchange(joined(definition, given), accepted[0] if accepted else "")
    fields = {"definition": definition, "input": given}
    yield Conversation(turns, fields, references=accepted, task=row.text("task_name") or None)
