"""Question and answer: GSM8K, OpenOrca's {"system_prompt", "question", "response"}; a context where there is one."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import exchange, joined
from tuneloom.records import Conversation


def claims(row: Mapping[str, Any]) -> int:
    """{"question": "How many?", "answer": "3"} -> 2"""
    return known(row, "question", ("answer", "response"), also=("context", "system_prompt"))


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "How many?", assistant "3"."""
    question, context = row.text("question"), row.text("context")
    turns = exchange(joined(question, context), row.text("answer", "response"), row.text("system_prompt"))
    yield Conversation(turns, fields={"instruction": question, "context": context})
