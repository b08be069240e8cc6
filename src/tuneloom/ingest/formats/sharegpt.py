"""ShareGPT: {"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]}, with `system` and `tools`.

swift names the turns by their speakers: {"conversation": [{"human": ..., "assistant": ...}]}.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import SYSTEM, conversation_turns, history_turns, json_text, led
from tuneloom.records import Conversation

_TURNS = ("conversations", "conversation")


def claims(row: Mapping[str, Any]) -> int:
    """{"id": "a", "conversations": [...]} -> 1; a pair with `chosen` and `rejected` is preference data, not this."""
    if any(row.get(name) is not None for name in ("chosen", "rejected", "kto_tag")):
        return 0
    turns: Any = next((row[name] for name in _TURNS if row.get(name)), [])
    texts = isinstance(turns, list) and any(isinstance(turn, str) for turn in turns)  # texts alone: see alternating
    return 0 if texts else known(row, _TURNS, also=("tools", "history", *SYSTEM))


def parse(row: Row) -> Iterator[Conversation]:
    """[{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}] -> user "Hi", assistant "Hello"."""
    earlier = history_turns(row.take("history"), row.flags)
    turns = conversation_turns(row.take(*_TURNS), "conversations", row.flags, row.meta)
    yield Conversation(led(row.text(*SYSTEM), (*earlier, *turns)), tools=json_text(row.take("tools")))
