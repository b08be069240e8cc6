"""What a conversation must be to be trained on, and what a suite's may be."""

import pytest

from tuneloom.records import Message
from tuneloom.shape import fault_of


def turns(*said: str, weight: int = 1) -> list[Message]:
    """`"user: Hi"` -> a turn of that role and content."""
    return [Message(*line.split(": ", 1), weight=weight) for line in said]


@pytest.mark.parametrize(
    ("messages", "use", "reason"),
    [
        ([], "train", "no prompt"),
        (turns("assistant: 4"), "train", "no prompt"),
        (turns("assistant: 4"), "evaluate", "no prompt"),
        (turns("user:  ", "assistant: 4"), "train", "no prompt"),
        (turns("user: 2+2?", "assistant:  \n"), "train", "empty answer"),
        (turns("user: 2+2?"), "train", "no answer"),
        (turns("user: 2+2?", "assistant: 4", "user: Why?"), "train", "no answer"),
        (turns("user: 2+2?", "assistant: 4", weight=0), "train", "nothing to train"),
    ],
)
def test_the_first_fault_is_told(messages: list[Message], use: str, reason: str) -> None:
    fault = fault_of(messages, use)
    assert fault
    assert fault.reason == reason


@pytest.mark.parametrize(
    ("messages", "use"),
    [
        (turns("system: Be brief.", "user: 2+2?", "assistant: 4"), "train"),
        ([*turns("user: Ring him."), Message("assistant", "", tool_calls="[{}]"), *turns("assistant: Done.")], "train"),
        (turns("user: 2+2?"), "evaluate"),
        (turns("assistant: 4"), "decontaminate"),
    ],
)
def test_what_can_be_used_has_no_fault(messages: list[Message], use: str) -> None:
    assert fault_of(messages, use) is None
