"""Alpaca: {"instruction", "input", "output"}; GPTeacher's `response`, axolotl's upper case, `system` and `history`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.plain import Plain
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import SYSTEM, exchange, history_turns, joined, real_input
from tuneloom.records import Conversation

_ASKED = ("instruction", "INSTRUCTION")
_ANSWER = ("output", "response", "RESPONSE", "answer", "completion")
PLAIN = Plain(
    prompt=(_ASKED, ("input",)),
    answer=_ANSWER,
    fields={"instruction": (_ASKED,), "input": (("input",),)},
    given=("input",),
)


def claims(row: Mapping[str, Any]) -> int:
    """{"instruction": "Add.", "input": "1, 2", "output": "3"} -> 3"""
    return known(row, _ASKED, _ANSWER, also=("input", "history", *SYSTEM))


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Add.\\n\\n1, 2", assistant "3"; each pair of `history` is a turn before it."""
    instruction, given = row.text(*_ASKED), real_input(row.text("input"), row.flags)
    turns = exchange(joined(instruction, given), row.text(*_ANSWER), row.text(*SYSTEM))
    earlier = history_turns(row.take("history"), row.flags)
    yield Conversation((*turns[:-2], *earlier, *turns[-2:]), fields={"instruction": instruction, "input": given})
