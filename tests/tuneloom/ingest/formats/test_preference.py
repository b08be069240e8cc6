"""Preference data by its known answers."""

from typing import Any

import pytest

from tests.tuneloom.ingest.formats.answers import only, parsed, said
from tuneloom.ingest.row import Rejected

_HI = {"role": "user", "content": "Hi"}


def _turn(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Hello", "rejected": "Go."},
        {"question": "Hi", "chosen": "Hello", "rejected": "Go."},
        {"instruction": "Hi", "input": "", "chosen": "Hello", "rejected": "Go."},
        {"prompt": [_HI], "chosen": [_turn("Hello")], "rejected": [_turn("Go.")]},
        {"chosen": [_HI, _turn("Hello")], "rejected": [_HI, _turn("Go.")]},
        {"prompt": "Hi", "chosen": [_HI, _turn("Hello")], "rejected": [_HI, _turn("Go.")]},
        {"conversations": [{"from": "human", "value": "Hi"}], "chosen": {"from": "gpt", "value": "Hello"},
         "rejected": {"from": "gpt", "value": "Go."}},
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: Go."},
    ],
)  # fmt: skip
def test_the_chosen_answer_is_learned_and_the_pair_kept(row: dict[str, Any]) -> None:
    (one,), rest = parsed("preference", row)
    assert said(one) == [("user", "Hi"), ("assistant", "Hello")]
    assert {name: rest[name] for name in ("chosen", "rejected")} == {n: row[n] for n in ("chosen", "rejected")}


@pytest.mark.parametrize(
    "row",
    [
        {"query": "Hi", "response": "Hello", "rejected_response": "Go."},
        {"messages": [_HI, _turn("Hello")], "rejected_response": "Go."},
        {"messages": [_HI, _turn("Hello")], "label": True},
        {"prompt": "Hi", "completion": "Hello", "label": True},
        {"instruction": "Hi", "output": "Hello", "kto_tag": True},
    ],
)
def test_swifts_pairs_and_ktos_good_answers(row: dict[str, Any]) -> None:
    assert said(only("preference", row)) == [("user", "Hi"), ("assistant", "Hello")]


def test_an_answer_that_quotes_a_dialogue_is_no_transcript() -> None:
    row = {"prompt": "Write one.", "chosen": "Human: Hi\n\nAssistant: Hello", "rejected": "No."}
    assert said(only("preference", row)) == [("user", "Write one."), ("assistant", "Human: Hi\n\nAssistant: Hello")]


@pytest.mark.parametrize("label", [{"label": False}, {"kto_tag": False}, {"kto_tag": "false"}])
def test_an_answer_labelled_bad_is_rejected(label: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="labelled bad"):
        parsed("preference", {"messages": [_HI, _turn("Go.")], **label})


def test_system_tools_and_history() -> None:
    row = {"system": "S", "prompt": "b", "history": [["a", "A"]], "chosen": "B", "rejected": "C", "tools": [{"n": 1}]}
    one = only("preference", row)
    turns = [("user", "a"), ("assistant", "A"), ("user", "b"), ("assistant", "B")]
    assert said(one) == [("system", "S"), *turns]
    assert one.tools == '[{"n": 1}]'
