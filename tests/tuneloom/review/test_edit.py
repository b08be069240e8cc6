"""A reviewer's words in a row: its id stays, what said the old words says the new ones."""

from pathlib import Path
from typing import Any

import pytest

from tests.rows import chat
from tests.tuneloom.review.reviewed import reviewed
from tuneloom.config import Review
from tuneloom.records import Conversation, Origin, content_digest, to_table
from tuneloom.review.decisions import Decision
from tuneloom.review.edit import EDITED, edited


@pytest.mark.parametrize("side", ["train", "test"])
def test_an_edited_row_keeps_its_id_and_changes_its_hash(tmp_path: Path, side: str) -> None:
    row = chat("question", "answer", references=("answer", "other"), fields={"instruction": "question"})
    decision = Decision(content_digest(row), "sample", "edit", "ada", "", "x", new_answer="写给 ada@lab.org")
    artifact = reviewed(tmp_path, [row], Review(sample=1), [decision], sides=[side])
    (after,) = artifact.table().to_pylist()
    assert after["id"] == content_digest(row) != after["content_hash"]
    assert after["messages"][1]["content"] == "写给 <EMAIL>"
    assert after["references"] == ["写给 <EMAIL>", "other"]
    assert after["fields"] == [("instruction", "question")]
    assert EDITED in after["flags"]


def edit(row: Conversation, **words: str) -> dict[str, Any]:
    decision = Decision(content_digest(row), "sample", "edit", "ada", "", "x", **words)
    return edited(to_table([(Origin("made", "a", 1), row)]).to_pylist()[0], decision)


def test_a_new_answer_leaves_a_request_that_said_the_same_alone() -> None:
    row = chat("yes", "yes", fields={"instruction": "yes", "answer": "yes"}, references=("yes",))
    after = edit(row, new_answer="no")
    assert [message["content"] for message in after["messages"]] == ["yes", "no"]
    assert dict(after["fields"]) == {"instruction": "yes", "answer": "no"}
    assert after["references"] == ["no"]


def test_a_new_request_leaves_an_answer_that_said_the_same_alone() -> None:
    row = chat("yes", "yes", fields={"instruction": "yes", "answer": "yes"}, references=("yes",), choices=("yes", "no"))
    after = edit(row, new_request="Say yes")
    assert dict(after["fields"]) == {"instruction": "Say yes", "answer": "yes"}
    assert (after["references"], after["choices"]) == (["yes"], ["yes", "no"])


@pytest.mark.parametrize(("answer", "choices"), [("4", ["4", "5"]), ("5", ["3", "5"])])
def test_a_new_answer_is_one_of_the_choices_and_takes_no_other_ones_place(answer: str, choices: list[str]) -> None:
    row = chat("2+2?", "3", choices=("3", "5"))
    after = edit(row, new_answer=answer)
    assert after["choices"] == choices
    assert after["content_hash"] == content_digest(chat("2+2?", answer, choices=tuple(choices)))


def test_fields_that_speak_of_another_request_are_dropped(tmp_path: Path) -> None:
    row = chat("Add: 1 and 2", "3", fields={"instruction": "Add", "input": "1 and 2"})
    decision = Decision(content_digest(row), "sample", "edit", "ada", "", "x", new_request="Add 1 and 2")
    (after,) = reviewed(tmp_path, [row], Review(), [decision]).table().to_pylist()
    assert after["messages"][0]["content"] == "Add 1 and 2"
    assert after["fields"] == []
