"""Preference data: `chosen` becomes the answer, the pair stays in meta; of KTO's labelled answers the bad are rejected.

The prompt is a text, messages, or the beginning of `chosen` itself (UltraFeedback, HH-RLHF's transcripts).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Rejected, Row, verdict
from tuneloom.ingest.transcripts import is_transcript, transcript_turns
from tuneloom.ingest.turns import (
    SYSTEM,
    conversation_turns,
    exchange,
    history_turns,
    joined,
    json_text,
    led,
    real_input,
)
from tuneloom.records import Conversation, Message

_DIALOGUE = ("conversations", "messages", "prompt", "question", "query")
_TEXT = ("instruction", "prompt", "question", "query")
_GOOD, _BAD = ("chosen", "chosen_response"), ("rejected", "rejected_response")
_ANSWER = ("completion", "output", "response")


def claims(row: Mapping[str, Any]) -> int:
    """{"prompt": "Hi", "chosen": "Hello", "rejected": "Go."} -> 3;  {"messages": [...], "label": False} -> 2"""
    also = ("input", "tools", *SYSTEM, *{*_DIALOGUE, *_TEXT})
    if any(row.get(name) is not None for name in (*_BAD, *_GOOD)):
        return known(row, (*_GOOD, "response", "messages"), _BAD, also=also)
    if verdict(row.get("label")) is not None or row.get("kto_tag") is not None:
        return known(row, ("label", "kto_tag"), ("conversations", "messages", *_ANSWER), also=also)
    return 0


def parse(row: Row) -> Iterator[Conversation]:
    """The first above -> user "Hi", assistant "Hello"."""
    for name in ("label", "kto_tag"):
        if row.peek(name) == 0 or verdict(row.peek(name)) is False:
            raise Rejected("labelled bad", name, row.peek(name), "the publisher marked this answer as undesired")
    good = next((name for name in _GOOD if row.peek(name) is not None), None)
    answer = _answer(row, good) if good else ()
    system = row.text(*SYSTEM)
    tools = json_text(row.take("tools"))
    if any(message.role == "user" for message in answer):
        yield Conversation(led(system, answer), tools=tools)
        return
    dialogue = next((name for name in _DIALOGUE if isinstance(row.peek(name), list)), None)
    if dialogue:
        asked, fields = conversation_turns(row.take(dialogue), dialogue, row.flags, row.meta), {}
    else:
        instruction, given = row.text(*_TEXT), real_input(row.text("input"), row.flags)
        earlier = history_turns(row.take("history"), row.flags)
        asked = (*earlier, Message("user", joined(instruction, given)))
        fields = {"instruction": instruction, "input": given}
    if not good and not any(message.role == "assistant" for message in asked[-1:]):
        answer = exchange("", row.text(*_ANSWER))[1:]
    yield Conversation(led(system, (*asked, *answer)), fields, tools=tools)


def _answer(row: Row, name: str) -> tuple[Message, ...]:
    """A text, a turn, or turns that may hold the prompt, too; unclaimed, so that the pair stays in meta."""
    value = row.peek(name)
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list):
        return conversation_turns(value, name, row.flags, row.meta)
    alone = all(row.peek(key) is None for key in (*_DIALOGUE, *_TEXT))
    if alone and is_transcript(value):
        return transcript_turns(value, name)
    return (Message("assistant", Row({name: value}).text(name)),)
