"""Prompts alone: rows for a suite, never for training."""

from typing import Any

import pytest

from tuneloom.ingest.checks import settle
from tuneloom.ingest.formats import formats
from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import Conversation


def asked(row: dict[str, Any]) -> tuple[Conversation, dict[str, Any]]:
    """The conversation as a suite's source reads it, and what nobody claimed."""
    source = Row(row)
    (one,) = formats()["prompt_only"].parse(source)
    assert isinstance(one, Conversation)
    return settle(Conversation(**{**vars(one), "use": "evaluate"})), source.rest()


def test_every_turn_of_mt_bench_stays_a_turn_and_the_last_reference_is_the_rows() -> None:
    one, rest = asked({"question_id": 81, "turns": ["Write.", "Shorten."], "reference": ["Long.", "Short."]})
    assert [(m.role, m.content) for m in one.messages] == [("user", "Write."), ("user", "Shorten.")]
    assert (one.references, one.flags) == (("Short.",), ())
    assert rest == {"question_id": 81, "reference": ["Long.", "Short."]}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi"},
        {"question_id": 1, "text": "Hi"},
        {"question": "Hi"},
        {"turns": ["Hi"]},
        {"turns": [{"content": "Hi"}]},
    ],
)
def test_one_prompt_under_each_name(row: dict[str, Any]) -> None:
    one, _ = asked({**row, "reference": "Hello"})
    assert [m.content for m in one.messages] == ["Hi"]
    assert (one.references, one.fields) == (("Hello",), {"instruction": "Hi"})


def test_it_never_trains() -> None:
    (one,) = formats()["prompt_only"].parse(Row({"prompt": "Hi"}))
    assert isinstance(one, Conversation)
    with pytest.raises(Rejected, match="no answer"):
        settle(one)


@pytest.mark.parametrize("answer", ["completion", "response", "output", "chosen", "messages", "choices", "solution",
                                    "generated_solution", "response_j", "correct_answers", "modelAnswer"])  # fmt: skip
def test_a_row_that_has_an_answer_of_any_name_is_not_a_prompt_alone(answer: str) -> None:
    assert formats()["prompt_only"].claims({"prompt": "Hi", answer: "x"}) == 0


@pytest.mark.parametrize(
    "more", [{"num_answers": 3}, {"model_answer": None}, {"response_length": "short"}, {"reference": "a"}]
)
def test_what_only_speaks_of_answers_is_none(more: dict[str, Any]) -> None:
    assert formats()["prompt_only"].claims({"prompt": "Hi", **more}) == 1
