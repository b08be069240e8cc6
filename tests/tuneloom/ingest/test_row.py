"""What a format may ask of a row, and what is left when it has asked."""

import pytest

from tuneloom.ingest.row import Rejected, Row, as_text, shorten


def test_what_nobody_claims_is_the_rest() -> None:
    row = Row({"q": "1+1?", "a": "2", "difficulty": 3, "note": None})
    assert (row.text("q"), row.take("a"), row.peek("difficulty")) == ("1+1?", "2", 3)
    assert row.rest() == {"difficulty": 3}


def test_the_first_name_with_words_answers_and_the_others_stay() -> None:
    row = Row({"output": " ", "response": "Hi", "completion": "Ho"})
    assert row.text("output", "response", "completion") == "Hi"
    assert row.rest() == {"output": " ", "completion": "Ho"}


def test_take_gives_the_first_value_that_is_not_null() -> None:
    assert Row({"a": None, "b": []}).take("a", "b") == []
    assert Row({}).take("a") is None


def test_numbers_become_text_and_say_so() -> None:
    flags: list[str] = []
    assert (as_text(4, "output", flags), as_text(0.5, "output", flags)) == ("4", "0.5")
    assert flags == ["number as text", "number as text"]


@pytest.mark.parametrize("value", [True, ["a"], {"a": 1}])
def test_other_types_are_rejected_with_field_and_value(value: object) -> None:
    with pytest.raises(Rejected) as caught:
        as_text(value, "output", [])
    assert caught.value.reason == "wrong type"
    assert caught.value.detail()["field"] == "output"
    assert caught.value.detail()["value"] == shorten(value)


def test_long_and_unprintable_values_are_shortened() -> None:
    assert shorten("x" * 500) == "x" * 119 + "…"
    assert shorten("\ud800") == "\\ud800"


def test_personal_data_at_the_cut_leave_no_half() -> None:
    cut = shorten("x" * 110 + " 13812345678")
    assert cut == "x" * 110 + " <PHONE>…"
    assert shorten("13812345678") == "13812345678"


def test_what_lies_deeper_joins_the_rest() -> None:
    row = Row({"messages": [], "id": 7})
    row.take("messages")
    row.meta["messages[0].votes"] = 3
    assert row.rest() == {"id": 7, "messages[0].votes": 3}
