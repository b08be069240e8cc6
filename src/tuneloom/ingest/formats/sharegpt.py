"""ShareGPT: {"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]}, with `system` and `tools`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import conversation_turns, json_text, system_turn
from tuneloom.records import Conversation


def claims(row: Mapping[str, Any]) -> int:
    """{"id": "a", "conversations": [...]} -> 1; a pair with `chosen` and `rejected` is preference data, not this."""
    return 0 if "chosen" in row else known(row, ("conversations", "conversation"), also=("system", "tools"))


def parse(row: Row) -> Iterator[Conversation]:
    """[{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}] -> user "Hi", assistant "Hello"."""
    turns = conversation_turns(row.take("conversations", "conversation"), "conversations", row.flags)
    yield Conversation((*system_turn(row.text("system")), *turns), tools=json_text(row.take("tools")))
