"""A prompt as it is and its completion: P3/T0, FLAN's `inputs`/`targets`, metharme's `generation`.

P3 names its words `inputs_pretokenized`; `inputs` then holds the same words as token ids. Its evaluation files hold a
row for each choice, right or wrong; a wrong one is rejected, and so is an answer that BeaverTails calls unsafe.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.ingest.formats import known
from tuneloom.ingest.nested import texts
from tuneloom.ingest.plain import Plain
from tuneloom.ingest.row import Rejected, Row, verdict
from tuneloom.ingest.turns import SYSTEM, exchange, history_turns, joined
from tuneloom.records import Conversation

TASK_FROM_FILE = True  # P3 names its files <dataset>_<template>
_PROMPT = ("inputs_pretokenized", "prompt", "inputs", "input")
_ANSWER = (
    "targets_pretokenized", "completion", "targets", "target", "generation", "response", "output", "answer",
    "canonical_solution",
)  # fmt: skip
_VERDICTS = {"is_correct": "a wrong choice, there to be ranked", "is_safe": "an unsafe answer, there to be recognised"}
_TASK = ("task_name", "_task_name")
PLAIN = Plain(prompt=(_PROMPT,), answer=_ANSWER)


def claims(row: Mapping[str, Any]) -> int:
    """{"prompt": "2+2=", "completion": "4"} -> 2; a prompt in messages is another format's"""
    asked = next((row[name] for name in _PROMPT if row.get(name) is not None), "")
    other = "instruction" in row or verdict(row.get("label")) is not None or not isinstance(asked, str)
    return 0 if other else known(row, _PROMPT, _ANSWER, also=("answer_choices", "history", *SYSTEM, *_TASK))


def parse(row: Row) -> Iterator[Conversation]:
    """The above -> user "2+2=", assistant "4"; no fields: the prompt is all there is."""
    for name, why in _VERDICTS.items():
        if verdict(row.peek(name)) is False:
            raise Rejected("labelled bad", name, False, why)
    if row.peek("inputs_pretokenized") is not None:
        row.take("inputs", "targets")
    choices, task = row.take("answer_choices"), row.text(*_TASK)
    turns = exchange(_asked(row), row.text(*_ANSWER), row.text(*SYSTEM))
    earlier = history_turns(row.take("history"), row.flags)
    yield Conversation(
        (*turns[:-2], *earlier, *turns[-2:]),
        choices=texts(choices, "answer_choices", row.flags) if choices else (),
        task=task or None,
    )


def _asked(row: Row) -> str:
    """The prompt, and an `input` beside it that it does not hold: "Translate", "Haus" -> "Translate\\n\\nHaus"."""
    asked, given = row.text(*_PROMPT), row.peek("input")
    return joined(asked, row.text("input")) if isinstance(given, str) and given.strip() not in asked else asked
