"""Dolly: {"instruction", "context", "response", "category"}; the category is the row's own label."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.plain import Plain
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import SYSTEM, exchange, joined, real_input
from tuneloom.records import Conversation

_ANSWER = ("response", "output", "answer")
PLAIN = Plain(
    prompt=(("instruction",), ("context",), ("input",)),
    answer=_ANSWER,
    fields={"instruction": (("instruction",),), "context": (("context",),), "input": (("input",),)},
    given=("input",),
)


def claims(row: Mapping[str, Any]) -> int:
    """{"instruction": "Who?", "context": "Ada wrote.", "response": "Ada", "category": "closed_qa"} -> 4"""
    return known(row, "instruction", "context", _ANSWER, also=("category", "input", *SYSTEM))


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Who?\\n\\nAda wrote.", assistant "Ada"."""
    instruction, context = row.text("instruction"), row.text("context")
    given = real_input(row.text("input"), row.flags)
    turns = exchange(joined(instruction, context, given), row.text(*_ANSWER), row.text(*SYSTEM))
    yield Conversation(turns, fields={"instruction": instruction, "context": context, "input": given})
