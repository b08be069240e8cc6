"""Turns in every dialect become the same messages."""

import pytest

from tuneloom.ingest.row import Rejected
from tuneloom.ingest.turns import (
    conversation_turns,
    exchange,
    history_turns,
    joined,
    json_text,
    real_input,
    system_turn,
)
from tuneloom.records import Message


def test_every_dialect_says_the_same() -> None:
    dialects = [
        [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        [{"from": "user", "value": "Hi"}, {"from": "chatgpt", "value": "Hello"}],
        [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "model", "content": "Hello"}],
        [{"role": "user", "content": [{"type": "text", "value": "H"}, {"type": "text", "value": "i"}]},
         {"role": "Assistant", "content": "Hello"}],
    ]  # fmt: skip
    for turns in dialects:
        assert conversation_turns(turns, "messages", []) == (Message("user", "Hi"), Message("assistant", "Hello"))


def test_tool_calls_stay_json_text_in_all_their_forms() -> None:
    call = '{"name": "f", "arguments": {"x": 1}}'
    (called, seen) = conversation_turns(
        [{"from": "function_call", "value": call}, {"from": "observation", "value": "2"}], "c", []
    )
    assert (called.role, called.content, called.tool_calls) == ("assistant", "", f"[{call}]")
    assert (seen.role, seen.content) == ("tool", "2")
    (parts,) = conversation_turns(
        [
            {
                "role": "assistant",
                "content": [{"type": "reasoning", "value": "Hm."}, {"type": "tool_call", "value": call}],
            }
        ],
        "m",
        [],
    )
    assert (parts.reasoning, parts.tool_calls) == ("Hm.", f"[{call}]")
    (openai,) = conversation_turns([{"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}], "m", [])
    assert (openai.content, openai.tool_calls) == ("", '[{"id": "a"}]')


@pytest.mark.parametrize(("key", "value", "weight"), [("weight", 0, 0), ("loss_weight", 1.0, 1), ("train", False, 0)])
def test_weights_are_zero_or_one(key: str, value: object, weight: int) -> None:
    (message,) = conversation_turns([{"role": "assistant", "content": "Hi", key: value}], "m", [])
    assert message.weight == weight


@pytest.mark.parametrize(
    ("turns", "reason", "field"),
    [
        ("Hi", "wrong type", "messages"),
        (["Hi"], "wrong type", "messages[0]"),
        ([{"role": "wizard", "content": "x"}], "unknown role", "messages[0].role"),
        ([{"content": "x"}], "unknown role", "messages[0].role"),
        ([{"role": "user", "content": {"a": 1}}], "wrong type", "messages[0].content"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "unknown part", "messages[0].content[0].type"),
        ([{"role": "user", "content": ["Hi"]}], "unknown part", "messages[0].content[0].type"),
        ([{"role": "assistant", "content": "x", "weight": 0.5}], "fractional weight", "messages[0].weight"),
        ([{"role": "assistant", "content": "x", "train": "yes"}], "fractional weight", "messages[0].train"),
    ],
)
def test_what_cannot_be_read_for_certain_is_rejected(turns: object, reason: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        conversation_turns(turns, "messages", [])
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_a_users_weight_never_changes_the_row() -> None:
    (message,) = conversation_turns([{"role": "user", "content": "Hi", "loss_weight": 0.0}], "m", [])
    assert message == Message("user", "Hi")


def test_plain_parts() -> None:
    assert exchange("Hi", "Hello", " ") == (Message("user", "Hi"), Message("assistant", "Hello"))
    assert system_turn("Be kind.") == (Message("system", "Be kind."),)
    assert joined("Translate.", " ", "Hi") == "Translate.\n\nHi"
    assert history_turns([["a", "b"]], []) == (Message("user", "a"), Message("assistant", "b"))
    assert history_turns(None, []) == history_turns("", []) == history_turns("[]", []) == ()
    with pytest.raises(Rejected, match="wrong type"):
        history_turns([["a"]], [])
    assert (json_text([{"a": 1}]), json_text("[]"), json_text('{"a": 1}')) == ('[{"a": 1}]', None, '{"a": 1}')


def test_alpacas_marks_for_no_input_are_dropped_and_counted() -> None:
    flags: list[str] = []
    assert [real_input(text, flags) for text in ("<noinput>", "No input", "none")] == ["", "", "none"]
    assert flags == ["no-input mark dropped"] * 2
