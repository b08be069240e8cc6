"""Question and answer: GSM8K, OpenOrca's {"system_prompt", "question", "response"}, SQuAD's `context` and `answers`."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.nested import texts
from tuneloom.ingest.plain import Plain
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import CONTEXT, SYSTEM, exchange, joined
from tuneloom.records import Conversation

_ASKED = ("question", "problem")
_ANSWER = ("response", "solution", "answer", "answers", "best_answer")
PLAIN = Plain(
    prompt=(("instruction",), _ASKED, CONTEXT),
    answer=_ANSWER,
    fields={"instruction": (("instruction",), _ASKED), "context": (CONTEXT,)},
)


def claims(row: Mapping[str, Any]) -> int:
    """{"question": "How many?", "answer": "3"} -> 2"""
    if any(row.get(name) for name in ("messages", "conversations", "choices")):
        return 0
    return known(row, _ASKED, _ANSWER, also=("instruction", *CONTEXT, *SYSTEM))


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "How many?", assistant "3"; a short `answer` beside a `solution` is the reference."""
    instruction, question, context = row.text("instruction"), row.text(*_ASKED), row.text(*CONTEXT)
    accepted = next((found for name in _ANSWER if (found := _accepted(row, name))), ("",))
    short = _accepted(row, "answer") if row.peek("solution") else ()
    turns = exchange(joined(instruction, question, context), accepted[0], row.text(*SYSTEM))
    fields = {"instruction": joined(instruction, question), "context": context}
    yield Conversation(turns, fields, references=short or (accepted if len(accepted) > 1 else ()))


def _accepted(row: Row, name: str) -> tuple[str, ...]:
    """ "3" -> ("3",); ["Paris", "paris"] and SQuAD's {"text": ["Paris", "paris"]} -> both; nothing said -> ()."""
    value = row.peek(name)
    if isinstance(value, str) or value is None:
        return (text,) if (text := row.text(name)) else ()
    if isinstance(value, Mapping) and isinstance(value.get("text"), list):  # unclaimed: it tells the places, too
        return tuple(text for text in texts(value["text"], name, row.flags) if text.strip())
    found = tuple(text for text in texts(value, name, row.flags) if text.strip())
    if found:
        row.take(name)
    return found
