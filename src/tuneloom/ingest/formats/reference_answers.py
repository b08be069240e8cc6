"""Answers whose questions lie in another file: MT-Bench's {"question_id", "model_id", "choices": [{"turns": [...]}]}.

`use: decontaminate` keeps them, for an answer can leak without its question; elsewhere they are rejected "no prompt".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.nested import instances, texts
from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import Conversation, Message

INSTANCES = "choices"


def claims(row: Mapping[str, Any]) -> int:
    """{"question_id": 101, "model_id": "gpt-4", "choices": [{"turns": ["Second.", "Last."]}]} -> 3"""
    choices = row.get("choices")
    turns = isinstance(choices, list) and all(isinstance(c, dict) and "turns" in c for c in choices)
    return known(row, "question_id", "choices", also=("answer_id", "model_id")) if turns else 0


def parse(row: Row) -> Iterator[Conversation | Rejected]:
    """The above -> assistant "Second.", assistant "Last."."""

    def one(choice: Row) -> Conversation:
        said = texts(choice.take("turns"), "turns", choice.flags)
        turns = tuple(Message("assistant", text) for text in said)
        return Conversation(turns, synthetic=row.peek("model_id") is not None, meta=choice.rest())

    return instances(row.take("choices"), "choices", one)
