"""A dialogue written as one text with its speakers' names: Baize `[|Human|]`, Guanaco `### Human:`, OIG `<human>:`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Row
from tuneloom.ingest.transcripts import is_transcript, transcript_turns
from tuneloom.ingest.turns import SYSTEM, led
from tuneloom.records import Conversation

_TEXT = ("text", "input", "conversation")


def claims(row: Mapping[str, Any]) -> int:
    """{"text": "### Human: Hi### Assistant: Hello"} -> 1"""
    return known(row, _TEXT, also=SYSTEM) if any(is_transcript(row.get(name)) for name in _TEXT) else 0


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Hi", assistant "Hello"."""
    name = next((name for name in _TEXT if is_transcript(row.peek(name))), _TEXT[0])
    yield Conversation(led(row.text(*SYSTEM), transcript_turns(row.text(name), name)))
