"""OpenAI's {"messages": [{"role", "content", "tool_calls", "weight", ...}], "tools"}; content may be typed parts.

Nemotron asks by messages and answers by text: {"input": [...], "output"}; TRL answers by messages: {"prompt": [...],
"completion": [...]}.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row, verdict
from tuneloom.ingest.turns import SYSTEM, conversation_turns, json_text, led
from tuneloom.records import Conversation, Message

_ASKED = ("input", "prompt")
_ANSWER = ("output", "completion", "response")
_PREFERENCE = ("chosen", "rejected", "rejected_response", "kto_tag")


def claims(row: Mapping[str, Any]) -> int:
    """{"messages": [...], "tools": [...]} -> 2; with `chosen` or a `label` it is preference data, not this."""
    if any(row.get(name) is not None for name in _PREFERENCE) or verdict(row.get("label")) is not None:
        return 0
    also = (*SYSTEM, "tools", "functions")
    if "messages" in row:
        return known(row, "messages", also=also)
    return known(row, _ASKED, _ANSWER, also=also) if any(_is_turns(row.get(name)) for name in _ASKED) else 0


def parse(row: Row) -> Iterator[Conversation]:
    """[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}] -> the same two messages."""
    if row.peek("messages") is not None:
        turns = conversation_turns(row.take("messages"), "messages", row.flags, row.meta)
    else:
        turns = conversation_turns(row.take(*_ASKED), "input", row.flags, row.meta) + _answer(row)
    yield Conversation(led(row.text(*SYSTEM), turns), tools=json_text(row.take("tools", "functions")))


def _answer(row: Row) -> tuple[Message, ...]:
    """{"output": "Hello"} and {"completion": [{"role": "assistant", "content": "Hello"}]} -> assistant "Hello"."""
    if any(_is_turns(row.peek(name)) for name in _ANSWER):
        return conversation_turns(row.take(*_ANSWER), "output", row.flags, row.meta)
    return (Message("assistant", row.text(*_ANSWER)),)


def _is_turns(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(turn, dict) for turn in value)
