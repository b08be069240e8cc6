"""Alpaca: {"instruction", "input", "output"}; GPTeacher's `response`, LLaMA-Factory's `system` and `history`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import exchange, history_turns, joined, real_input
from tuneloom.records import Conversation


def claims(row: Mapping[str, Any]) -> int:
    """{"instruction": "Add.", "input": "1, 2", "output": "3"} -> 3"""
    return known(row, "instruction", ("output", "response"), also=("input", "system", "history"))


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Add.\\n\\n1, 2", assistant "3"; each pair of `history` is a turn before it."""
    instruction, given = row.text("instruction"), real_input(row.text("input"), row.flags)
    turns = exchange(joined(instruction, given), row.text("output", "response"), row.text("system"))
    earlier = history_turns(row.take("history"))
    yield Conversation((*turns[:-2], *earlier, *turns[-2:]), fields={"instruction": instruction, "input": given})
