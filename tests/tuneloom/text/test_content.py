"""What of a row is compared."""

import pytest

from tests.tuneloom.dedup.builders import numbered, said
from tuneloom.records import Conversation, Message, to_table
from tuneloom.text.content import batches, content_of, turns_of


def compared(row: Conversation) -> tuple[str, str]:
    """Prompt and answer, from the middle of a slice."""
    table = to_table(numbered([said("other", "row"), row, said("last", "row")])).slice(1, 2)
    content = content_of(table)
    return content.prompt[0].as_py(), content.answer[0].as_py()


def talk(*turns: tuple[str, str], **more: object) -> Conversation:
    return Conversation(tuple(Message(role, text) for role, text in turns), **more)


def test_fields_come_before_messages():
    fields = {"instruction": "Add.", "input": "1 2", "definition": "Long definition.", "answer": "3"}
    assert compared(said("Long definition.\nAdd.\n1 2", "3", fields=fields)) == ("Add.\n1 2", "3")
    assert compared(said("D\nx", "3", fields={"definition": "D", "input": "x"})) == ("x", "3")


@pytest.mark.parametrize(
    "fields", [{}, {"context": "A passage."}, {"instruction": " ", "input": ""}, {"definition": "D"}]
)
def test_without_instruction_and_input_the_messages_speak(fields: dict[str, str]):
    """A context alone is no question."""
    assert compared(said("Q", "A", fields=fields)) == ("Q", "A")


def test_the_system_prompt_is_never_compared():
    assert compared(talk(("system", "You are kind."), ("user", "Q"), ("assistant", "A"))) == ("Q", "A")


def test_many_turns_compare_by_all_that_was_said():
    turns = (("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "Ciao"))
    assert compared(talk(*turns)) == ("Hi\nHello\nBye", "Ciao")
    assert compared(talk(*turns, fields={"instruction": "Bye"})) == ("Hi\nHello\nBye", "Ciao")


def test_tool_calls_and_reasoning_are_said_too():
    call = Message("assistant", "", tool_calls='[{"name": "sum"}]', reasoning="I add.")
    row = Conversation((Message("user", "1+1?"), call, Message("tool", "2"), Message("assistant", "2.")))
    assert compared(row) == ('1+1?\nI add.\n\n[{"name": "sum"}]\n2', "2.")


def test_a_row_without_an_answer_or_without_anything():
    assert compared(talk(("user", "Q"))) == ("Q", "")
    assert compared(talk()) == ("", "")
    assert compared(talk(("user", "Q"), ("assistant", "A"), ("user", "thanks"))) == ("Q\nthanks", "A")


def test_code_by_kind():
    kinds = ("code", "mixed", "natural", None)
    content = content_of(to_table(numbered([said("if x:\n    f(x)", "b", kind=kind) for kind in kinds])))
    assert content.code_prompt.tolist() == [1, 1, 0, 0]
    assert content.code_answer.tolist() == [1, 1, 0, 0]


def test_a_prompt_in_plain_words_is_no_code_whatever_its_answer():
    rows = [said("Write a function that adds two numbers.", "def f(a, b):\n    return a + b", kind="code")]
    content = content_of(to_table(numbered(rows)))
    assert (content.code_prompt.tolist(), content.code_answer.tolist()) == ([0], [1])


def test_batches_cover_the_table_in_order():
    table = to_table(numbered([said(str(n), "") for n in range(10)]))
    assert [len(batch) for batch in batches(table, 4)] == [4, 4, 2]
    assert [p for b in batches(table, 4) for p in content_of(b).prompt.to_pylist()] == [str(n) for n in range(10)]
    assert list(batches(table.slice(0, 0))) == []


def test_all_turns_of_rows_are_told_with_their_roles():
    rows = [said("other", "row"), talk(("system", "S"), ("user", "Hi"), ("assistant", "Yo")), talk(("user", "Bye"))]
    turns = turns_of(to_table(numbered(rows)).slice(1))
    assert turns.texts.to_pylist() == ["S", "Hi", "Yo", "Bye"]
    assert turns.roles.to_pylist() == ["system", "user", "assistant", "user"]
    assert turns.rows.tolist() == [0, 0, 0, 1]
