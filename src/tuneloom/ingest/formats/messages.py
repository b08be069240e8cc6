"""OpenAI's {"messages": [{"role", "content", "tool_calls", "weight", ...}], "tools"}; content may be typed parts."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import conversation_turns, json_text, system_turn
from tuneloom.records import Conversation


def claims(row: Mapping[str, Any]) -> int:
    """{"messages": [...], "tools": [...]} -> 2; with `chosen` or a `label` it is preference data, not this."""
    preference = "chosen" in row or isinstance(row.get("label"), bool)
    return 0 if preference else known(row, "messages", also=("system", "tools"))


def parse(row: Row) -> Iterator[Conversation]:
    """[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}] -> the same two messages."""
    turns = conversation_turns(row.take("messages"), "messages", row.flags)
    yield Conversation((*system_turn(row.text("system")), *turns), tools=json_text(row.take("tools")))
