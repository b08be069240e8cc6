"""What every conversation must satisfy, and the repairs that are certain."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.ingest.checks import settle
from tuneloom.ingest.row import Rejected
from tuneloom.records import ROLES, Conversation, Message


def talk(*turns: tuple[str, str], **more: object) -> Conversation:
    return Conversation(tuple(Message(role, content) for role, content in turns), **more)  # type: ignore[arg-type]


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in conversation.messages]


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("4<|endoftext|>", "4"),
        ("4 </s>\n", "4"),
        ("4<|im_end|><|endoftext|>", "4"),
        ("a <|endoftext|> b", "a <|endoftext|> b"),
        ("<s>gone</s>", "<s>gone</s>"),
        ("<b>4</b>", "<b>4</b>"),
    ],
)
def test_end_marks_are_stripped_from_the_end_only(answer: str, kept: str) -> None:
    found = settle(talk(("user", "2+2?"), ("assistant", answer), fields={"instruction": "2+2?"}, references=(answer,)))
    assert said(found) == [("user", "2+2?"), ("assistant", kept)]
    assert found.flags == (("end mark stripped",) if kept != answer else ())
    assert (found.fields["answer"], found.references) == (kept, (kept,))


def test_a_users_end_mark_is_the_users() -> None:
    assert (
        said(settle(talk(("user", "What is <|endoftext|>"), ("assistant", "A mark."))))[0][1] == "What is <|endoftext|>"
    )


@pytest.mark.parametrize("answer", ["", " \n\t", "<|endoftext|>", " <|endoftext|>\n", "\0", "　"])
def test_an_answer_that_says_nothing_is_empty(answer: str) -> None:
    with pytest.raises(Rejected, match="empty answer"):
        settle(talk(("user", "Hi"), ("assistant", answer)))


def test_a_tool_call_is_an_answer_without_words() -> None:
    call = Message("assistant", "", tool_calls="[{}]")
    assert settle(Conversation((Message("user", "Hi"), call))).messages[-1] == call


@pytest.mark.parametrize(
    ("turns", "kept", "flag"),
    [
        (["a:Hello", "u:Hi", "a:Yes?"], ["u:Hi", "a:Yes?"], "leading answer dropped"),
        (["u:Hi", "a:Yes?", "u:Never mind"], ["u:Hi", "a:Yes?"], "trailing turn dropped"),
        (["s:", "u:Hi", "a:Yes?"], ["u:Hi", "a:Yes?"], "empty system turn dropped"),
    ],
)
def test_a_dialogue_cut_at_its_ends_is_trimmed_and_flagged(turns: list[str], kept: list[str], flag: str) -> None:
    roles = {"s": "system", "u": "user", "a": "assistant"}
    found = settle(talk(*((roles[turn[0]], turn[2:]) for turn in turns)))
    assert said(found) == [(roles[turn[0]], turn[2:]) for turn in kept]
    assert found.flags == (flag,)


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        (["u:Hi.", "u:Who?", "a:I."], ["u:Hi.\n\nWho?", "a:I."]),
        (["s:Be kind.", "s:Be brief.", "u:Hi", "a:I.", "a:Me."], ["s:Be kind.\n\nBe brief.", "u:Hi", "a:I.\n\nMe."]),
        (["u:", "u:Who?", "a:I."], ["u:Who?", "a:I."]),
        (["u:a", "u:b", "u:c", "a:d"], ["u:a\n\nb\n\nc", "a:d"]),
        (["u:Hi", "s:", "u:Who?", "a:I."], ["u:Hi\n\nWho?", "a:I."]),
    ],
)
def test_adjacent_turns_of_one_speaker_are_one(turns: list[str], kept: list[str]) -> None:
    roles = {"s": "system", "u": "user", "a": "assistant"}
    found = settle(talk(*((roles[turn[0]], turn[2:]) for turn in turns)))
    assert said(found) == [(roles[turn[0]], turn[2:]) for turn in kept]
    assert "turns merged" in found.flags


def test_words_before_a_call_are_one_turn_with_it() -> None:
    call = Message("assistant", "", tool_calls="[{}]")
    result, end = Message("tool", "3"), Message("assistant", "Three.")
    found = settle(Conversation((Message("user", "1+2?"), Message("assistant", "Let me see."), call, result, end)))
    assert found.messages[1] == Message("assistant", "Let me see.", tool_calls="[{}]")
    assert len(found.messages) == 4


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Message("assistant", "a"), Message("assistant", "b", weight=0)),
        (Message("assistant", "a", name="x"), Message("assistant", "b", name="y")),
        (Message("assistant", "", tool_calls="[{}]"), Message("assistant", "b")),
        (Message("assistant", "a"), Message("assistant", "b", reasoning="hm")),
        (Message("tool", "a"), Message("tool", "b")),
    ],
)
def test_turns_that_would_lose_something_are_not_merged(one: Message, two: Message) -> None:
    turns = (Message("user", "Hi"), one, two, Message("user", "So?"), Message("assistant", "End."))
    found = settle(Conversation(turns))
    assert (found.messages, found.flags) == (turns, ())


def test_a_list_of_prompts_is_no_dialogue() -> None:
    turns = [("user", "Write."), ("user", "Shorten.")]
    assert said(settle(talk(*turns, use="evaluate"))) == turns


def test_marks_of_no_width_before_a_text_are_stripped_and_flagged() -> None:
    found = settle(talk(("user", "\ufeffHi"), ("assistant", "\u200bHel\u200blo"), fields={"instruction": "\ufeffHi"}))
    assert (said(found), found.flags) == (
        [("user", "Hi"), ("assistant", "Hel\u200blo")], ("zero-width mark stripped",),
    )  # fmt: skip
    assert found.fields["instruction"] == "Hi"


@pytest.mark.parametrize(
    ("conversation", "reason"),
    [
        (talk(("assistant", "Hello")), "no prompt"),
        (talk(("user", " "), ("assistant", "Hello")), "no prompt"),
        (talk(), "no prompt"),
        (talk(("user", "Hi")), "no answer"),
        (talk(("assistant", "Hello"), ("user", "Hi")), "no answer"),
        (Conversation((Message("user", "Hi"), Message("assistant", "Hello", weight=0))), "nothing to train"),
    ],
)
def test_what_cannot_train_is_rejected(conversation: Conversation, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        settle(conversation)


def test_a_suite_may_ask_without_an_answer() -> None:
    turns = [("user", "Hi"), ("assistant", "Yes?"), ("user", "Is it safe?")]
    assert said(settle(talk(*turns, use="evaluate"))) == turns


def test_nul_is_stripped_and_flagged() -> None:
    found = settle(talk(("user", "H\0i"), ("assistant", "Hello")))
    assert (said(found)[0], found.flags) == (("user", "Hi"), ("NUL stripped",))


_words = st.sampled_from(["", " ", "Hi", "4<|endoftext|>", "</s>", "a\0b", "\ufeff", "\u200bc"])


@given(st.lists(st.tuples(st.sampled_from(ROLES), _words), max_size=7))
def test_a_settled_conversation_asks_and_ends_with_an_answer_and_stays_as_it_is(turns: list[tuple[str, str]]) -> None:
    found = outcome(talk(*turns))
    if isinstance(found, str):
        assert found in {"no prompt", "no answer", "empty answer"}
        return
    assert found.messages[-1].role == "assistant"
    assert all(a.role != b.role or a.role == "tool" for a, b in pairwise(found.messages))
    assert all(m.content.strip() for m in found.messages if m.role != "tool")
    assert outcome(found) == found


def outcome(conversation: Conversation) -> Conversation | str:
    """The settled conversation, or the reason for which it is rejected."""
    try:
        return settle(conversation)
    except Rejected as fault:
        return fault.reason
