"""Turns in every dialect become the same messages."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("key", "value", "weight"), [("weight", 0, 0), ("loss_weight", 1.0, 1), ("train", False, 0), ("loss", False, 0)]
)
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
        ([{"role": "assistant", "content": "x", "weight": 1, "train": False}], "mixed weights", "messages[0]"),
        (
            [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "a", "train": True},
                        {"type": "text", "text": "b", "train": False},
                    ],
                }
            ],
            "mixed weights",
            "messages[0]",
        ),
        (
            [{"role": "assistant", "content": [{"type": "text", "text": "a", "weight": 0.5}]}],
            "fractional weight",
            "messages[0].content[0].weight",
        ),
        ([{"from": "function_call", "value": "call f"}], "broken tool call", "messages[0].tool_calls"),
        ([{"role": "assistant", "content": "", "tool_calls": "call f"}], "broken tool call", "messages[0].tool_calls"),
        ([{"human": "Hi", "wizard": "x"}], "unknown role", "messages[0].role"),
    ],
)
def test_what_cannot_be_read_for_certain_is_rejected(turns: object, reason: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        conversation_turns(turns, "messages", [])
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_a_weight_on_every_part_is_the_turns() -> None:
    parts = [{"type": "text", "text": text, "train": False} for text in "ab"]
    (message,) = conversation_turns([{"role": "assistant", "content": parts}], "m", [])
    assert (message.content, message.weight) == ("ab", 0)


def test_turns_named_by_their_speakers() -> None:
    turns = [{"human": "Hi", "assistant": "Hello"}, {"input": "Bye", "output": "Bye."}]
    assert [(m.role, m.content) for m in conversation_turns(turns, "m", [])] == [
        ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "Bye."),
    ]  # fmt: skip


def test_what_nobody_knows_of_a_turn_is_kept_under_its_place() -> None:
    meta: dict[str, object] = {}
    turns = [
        {"role": "user", "content": "Hi", "name": 7, "gone": None},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello", "cached": True}], "votes": {"up": 3}},
    ]
    conversation_turns(turns, "messages", [], meta)
    assert meta == {"messages[0].name": 7, "messages[1].content[0].cached": True, "messages[1].votes": {"up": 3}}


def test_a_second_text_and_a_second_name_of_a_turn_are_kept() -> None:
    meta: dict[str, object] = {}
    (message,) = conversation_turns(
        [{"role": "user", "from": "Bob", "content": "Hi", "text": "hi", "value": None}], "m", [], meta
    )
    assert (message.content, meta) == ("Hi", {"m[0].text": "hi", "m[0].from": "Bob"})


def test_turns_in_a_cell_of_a_table_are_read_and_flagged() -> None:
    flags: list[str] = []
    found = conversation_turns('[{"role": "user", "content": "Hi"}]', "m", flags)
    assert (found, flags) == ((Message("user", "Hi"),), ["list read from text"])


def test_what_a_tool_returns_and_is_asked_stays_json() -> None:
    (seen,) = conversation_turns([{"role": "tool", "content": {"sum": 3}, "tool_call_id": "a"}], "m", [])
    assert (seen.content, seen.tool_call_id) == ('{"sum": 3}', "a")
    for called in ("function_call", "tool_call"):
        (call,) = conversation_turns([{"from": called, "value": {"name": "f", "arguments": {"x": 1.0}}}], "m", [])
        assert call.tool_calls == '[{"name": "f", "arguments": {"x": 1.0}}]'
    (several,) = conversation_turns([{"from": "function_call", "value": '[{"name": "f"}, {"name": "g"}]'}], "m", [])
    assert several.tool_calls == '[{"name": "f"}, {"name": "g"}]'
    legacy = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"x": "1"}'}}
    (old,) = conversation_turns([legacy], "m", [])
    assert old.tool_calls == '[{"name": "f", "arguments": "{\\"x\\": \\"1\\"}"}]'


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.text(), x), max_leaves=5))  # fmt: skip
def test_arguments_are_the_text_they_came_as(value: object) -> None:
    arguments = json.dumps(value)
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]
    (message,) = conversation_turns([{"role": "assistant", "content": "", "tool_calls": calls}], "m", [])
    assert json.loads(message.tool_calls or "") == calls


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


@pytest.mark.parametrize(
    ("turn", "called", "left"),
    [
        ({"tool_calls": [{"name": "b"}], "function_call": {"name": "a"}}, "b", {"m[0].function_call": {"name": "a"}}),
        ({"content": [{"type": "tool_call", "tool_call": {"name": "a"}}], "tool_calls": [{"name": "b"}]}, "a",
         {"m[0].tool_calls": [{"name": "b"}]}),
        ({"tool_calls": [], "function_call": {"name": "a"}}, "a", {}),
        ({"tool_calls": None, "function_call": None, "content": "Hi"}, None, {}),
    ],
)  # fmt: skip
def test_calls_in_several_places_are_read_once_and_none_is_lost(
    turn: dict[str, Any], called: str | None, left: dict[str, Any]
) -> None:
    meta: dict[str, Any] = {}
    (message,) = conversation_turns([{"role": "assistant", "content": None, **turn}], "m", [], meta)
    assert message.tool_calls == (f'[{{"name": "{called}"}}]' if called else None)
    assert meta == left


@pytest.mark.parametrize(
    ("content", "said", "thought"),
    [
        ([{"type": "output_text", "text": "Hi", "annotations": []}], "Hi", None),  # OpenAI's Responses
        ([{"type": "input_text", "text": "Hi"}], "Hi", None),
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hi"}], "Hi", "Hm."),  # Anthropic's
    ],
)
def test_parts_by_other_names(content: list[Any], said: str, thought: str | None) -> None:
    (message,) = conversation_turns([{"role": "assistant", "content": content}], "m", [])
    assert (message.content, message.reasoning) == (said, thought)


@pytest.mark.parametrize("kind", ["tool_use", "image_url", None, ["text"]])
def test_a_part_that_nobody_knows_rejects_its_row(kind: object) -> None:
    with pytest.raises(Rejected, match="unknown part"):
        conversation_turns([{"role": "user", "content": [{"type": kind, "text": "Hi"}]}], "m", [])
