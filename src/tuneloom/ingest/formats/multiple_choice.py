"""A question with choices: MMLU's {"question", "choices", "answer": 1}, ARC's {"choices": {"text", "label"},
"answerKey"}. The choices are listed under the question, and the answer is the right one's text; the row's own key and
labels stay in meta.
"""

from collections.abc import Iterator, Mapping
from string import ascii_uppercase
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.nested import texts
from tuneloom.ingest.row import Rejected, Row
from tuneloom.ingest.turns import CONTEXT, exchange, joined
from tuneloom.records import Conversation

_CHOICES = ("choices", "options")
_ANSWER = ("answerKey", "answer", "answer_idx", "label")


def claims(row: Mapping[str, Any]) -> int:
    """{"question": "1+1?", "choices": ["1", "2"], "answer": 1} -> 3"""
    listed = any(isinstance(row.get(name), list | dict) for name in _CHOICES)
    return known(row, "question", _CHOICES, _ANSWER, also=CONTEXT) if listed else 0


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "1+1?\\n\\n- 1\\n- 2", assistant "2", choices ("1", "2")."""
    question, context = row.text("question"), row.text(*CONTEXT)
    choices = next((row.peek(name) for name in _CHOICES if row.peek(name) is not None), None)
    if isinstance(choices, Mapping) and "text" in choices:
        names, said = choices.get("label"), texts(choices["text"], "choices", row.flags)
    elif isinstance(choices, Mapping):
        names, said = list(choices), texts(list(choices.values()), "choices", row.flags)
    else:
        names, said = None, texts(choices, "choices", row.flags)
    key = next((row.peek(name) for name in _ANSWER if row.peek(name) is not None), None)
    answer = said[_right(key, names, said)]
    listed = "\n".join(f"- {text}" for text in said)
    fields = {"instruction": question, "context": context, "options": listed}
    yield Conversation(exchange(joined(context, question, listed), answer), fields, choices=said)


def _right(key: Any, names: Any, said: tuple[str, ...]) -> int:
    """Which choice is right: by its text, its label, its letter, or its place from 0."""
    places = {text: place for place, text in enumerate(said)}
    letters = names if isinstance(names, list) and len(names) == len(said) else ascii_uppercase[: len(said)]
    places |= {name: place for place, name in enumerate(letters)} if isinstance(key, str) else {}
    found = places.get(key) if isinstance(key, str) else key
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < len(said):
        raise Rejected("unknown choice", "answer", key, f"none of {len(said)} choices is named so")
    return found
