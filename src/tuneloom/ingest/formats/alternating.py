"""Turns as texts alone, the user's first: UltraChat's {"data": ["Hi", "Hello"]}, LIMA's {"conversations": [...]}."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.row import Rejected, Row, as_text
from tuneloom.ingest.turns import SYSTEM, led
from tuneloom.records import Conversation, Message

_TURNS = ("data", "conversations", "conversation", "dialog", "dialogue")
_ROLES = ("user", "assistant")


def claims(row: Mapping[str, Any]) -> int:
    """{"id": "0", "data": ["Hi", "Hello"]} -> 1"""
    turns: list[Any] = next((row[name] for name in _TURNS if isinstance(row.get(name), list)), [])
    texts = bool(turns) and all(isinstance(turn, str) for turn in turns)
    return known(row, _TURNS, also=SYSTEM) if texts else 0


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Hi", assistant "Hello"."""
    turns = row.take(*_TURNS)
    if not isinstance(turns, list):
        raise Rejected("wrong type", "data", turns, f"{type(turns).__name__} where a list of texts belongs")
    said = (Message(_ROLES[i % 2], as_text(turn, f"data[{i}]", row.flags)) for i, turn in enumerate(turns))
    yield Conversation(led(row.text(*SYSTEM), tuple(said)))
