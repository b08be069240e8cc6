"""The evaluation side: what protected rows ask and accept."""

from tests.tuneloom.decontaminate.builders import asked, suite_rows, talk
from tests.tuneloom.dedup.builders import Row, numbered, said
from tuneloom.decontaminate.items import Items, read_items
from tuneloom.records import to_table


def items_of(*rows: Row) -> Items:
    return read_items([to_table(rows)])


def told(items: Items) -> list[tuple[int, str, str]]:
    return [
        (item, items.name(text), items.texts[text].as_py()) for text, item in enumerate(items.item.tolist())
    ]  # fmt: skip


def test_a_row_is_every_question_and_every_answer():
    turns = talk(("system", "S"), ("user", "Q1"), ("assistant", "A1"), ("user", "Q2"), ("assistant", "A2"))
    items = items_of(*suite_rows(turns, asked("Q", references=("A", "B")), said("Q", "A", references=("A", "a"))))
    assert told(items) == [
        (0, "question", "Q1"), (0, "question 2", "Q2"), (0, "answer", "A1"), (0, "answer 2", "A2"),
        (1, "question", "Q"), (1, "answer", "A"), (1, "answer 2", "B"),
        (2, "question", "Q"), (2, "answer", "A"), (2, "answer 2", "a"),
    ]  # fmt: skip
    assert items.first_texts.tolist() == [0, 4, 7]


def test_a_definition_is_part_of_the_whole_question_alone():
    row = said("Define.\n\nFrance", "Paris", fields={"definition": "Define.", "input": "France"})
    items = items_of(*suite_rows(row))
    assert told(items) == [(0, "question", "France"), (0, "answer", "Paris")]
    assert items.openings.to_pylist() == ["define france"]


def test_blank_texts_are_none_and_answers_without_a_question_are_rows():
    items = items_of(*suite_rows(talk(("assistant", "A")), asked(" ")))
    assert told(items) == [(0, "answer", "A")]
    assert items.openings.to_pylist() == ["", ""]
    assert items.first_texts.tolist() == [0, -1]


def test_rows_for_training_are_no_evaluation_rows():
    assert len(items_of(*numbered([said("Q", "A")]))) == 0


def test_t13_the_order_of_reading_changes_nothing():
    rows = [*suite_rows(asked("Q1"), asked("Q2")), *suite_rows(asked("Q3"), file="a.jsonl")]
    one, other = items_of(*rows), items_of(*rows[::-1])
    assert told(one) == told(other)
    assert one.origins.equals(other.origins)
    assert one.files.tolist() == other.files.tolist() == [0, 1, 1]


def test_code_is_folded_as_prose():
    assert items_of(*suite_rows(asked("def F(x):\n    return x", kind="code"))).folded.to_pylist() == [
        "def f x return x"
    ]
