"""Questions with choices by their known answers."""

from typing import Any

import pytest

from tests.tuneloom.ingest.formats.answers import parsed, said
from tuneloom.ingest.row import Rejected


@pytest.mark.parametrize(
    ("choices", "key"),
    [
        (["ice", "sun"], 1),
        (["ice", "sun"], "B"),
        (["ice", "sun"], "sun"),
        ({"text": ["ice", "sun"], "label": ["1", "2"]}, "2"),
        ({"A": "ice", "B": "sun"}, "B"),
    ],
)
def test_the_right_choice_by_place_label_letter_or_text(choices: Any, key: Any) -> None:
    (one,), rest = parsed("multiple_choice", {"question": "What is hot?", "choices": choices, "answer": key})
    assert said(one) == [("user", "What is hot?\n\n- ice\n- sun"), ("assistant", "sun")]
    assert one.choices == ("ice", "sun")
    assert one.fields == {"instruction": "What is hot?", "options": "- ice\n- sun", "answer": "sun"}
    assert rest == {"choices": choices, "answer": key}


def test_labels_come_before_texts() -> None:
    row = {"question": "Which letter follows A?", "choices": {"text": ["B", "A"], "label": ["A", "B"]}, "answer": "A"}
    assert said(parsed("multiple_choice", row)[0][0])[1] == ("assistant", "B")


@pytest.mark.parametrize("key", [2, -1, "C", True, None, "moon"])
def test_a_key_of_no_choice_is_rejected(key: Any) -> None:
    with pytest.raises(Rejected, match="unknown choice"):
        parsed("multiple_choice", {"question": "What?", "choices": ["ice", "sun"], "answer": key})
