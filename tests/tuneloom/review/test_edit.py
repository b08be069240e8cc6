"""A reviewer's words in a row: its id stays, what said the old words says the new ones."""

from pathlib import Path

import pytest

from tests.rows import chat
from tests.tuneloom.review.reviewed import reviewed
from tuneloom.config import Review
from tuneloom.records import content_digest
from tuneloom.review.decisions import Decision
from tuneloom.review.edit import EDITED


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


def test_fields_that_speak_of_another_request_are_dropped(tmp_path: Path) -> None:
    row = chat("Add: 1 and 2", "3", fields={"instruction": "Add", "input": "1 and 2"})
    decision = Decision(content_digest(row), "sample", "edit", "ada", "", "x", new_request="Add 1 and 2")
    (after,) = reviewed(tmp_path, [row], Review(), [decision]).table().to_pylist()
    assert after["messages"][0]["content"] == "Add 1 and 2"
    assert after["fields"] == []
