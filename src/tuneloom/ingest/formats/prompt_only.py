"""Prompts without answers, to evaluate or decontaminate with: XSTest, IFEval, VicunaBench, MT-Bench's `turns`.

Where they would train they are rejected as "no answer".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.nested import texts
from tuneloom.ingest.row import Row
from tuneloom.records import Conversation, Message

_PROMPT = ("prompt", "turns", "question", "instruction", "query")
_REFERENCE = ("reference", "references", "reference_answer")
_ANSWER = re.compile(r".*(answer|response|completion|output|solution|generation)s?(_?[a-z0-9])?", re.IGNORECASE)
"""What an answer may be called that no format knows: `generated_solution`, `response_j`, `correct_answers`."""
_ANSWERED = (
    "completion", "response", "output", "answer", "answers", "generation", "target", "targets", "solution",
    "chosen", "rejected", "messages", "conversations", "instances", "choices", "answerKey", "RESPONSE",
    "best_answer", "canonical_solution",
)  # fmt: skip


def claims(row: Mapping[str, Any]) -> int:
    """{"question_id": 81, "category": "writing", "turns": ["Write.", "Shorten."]} -> 1; with an answer of any name 0"""
    if any(name in row for name in _ANSWERED) or any(map(_may_answer, row, row.values())):
        return 0
    return int(_asked(row) is not None)


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "Write.", user "Shorten."; with several turns only the last one's reference is the row's."""
    name = _asked({key: row.peek(key) for key in ("question_id", "text", *_PROMPT)}) or _PROMPT[0]
    asked = texts(_contents(row.take(name)), name, row.flags)
    reference = next((row.peek(key) for key in _REFERENCE if row.peek(key) is not None), None)
    accepted = texts(reference, "reference", row.flags) if reference is not None else ()
    if len(asked) > 1:
        accepted = accepted[-1:] if len(accepted) == len(asked) else ()
    else:
        row.take(*_REFERENCE)
    turns = tuple(Message("user", text) for text in asked)
    yield Conversation(turns, fields={"instruction": asked[0]} if len(asked) == 1 else {}, references=accepted)


def _asked(row: Mapping[str, Any]) -> str | None:
    """The name under which the row asks; a bare `text` does so only beside a `question_id` (VicunaBench)."""
    for name in (*_PROMPT, "text") if row.get("question_id") is not None else _PROMPT:
        value = _contents(row.get(name))
        if isinstance(value, str) or (isinstance(value, list) and value and all(isinstance(v, str) for v in value)):
            return name
    return None


def _may_answer(name: str, value: Any) -> bool:
    words = isinstance(value, str | list | dict) and bool(value)
    return words and name not in _REFERENCE and _ANSWER.fullmatch(name) is not None


def _contents(value: Any) -> Any:
    """Arena-Hard writes its turns as objects: [{"content": "Write."}] -> ["Write."]; anything else as it is."""
    alone = isinstance(value, list) and all(isinstance(turn, dict) and turn.keys() == {"content"} for turn in value)
    return [turn["content"] for turn in value] if alone else value
