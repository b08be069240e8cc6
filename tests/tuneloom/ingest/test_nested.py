"""Several instances in one row."""

import pytest

from tuneloom.ingest.nested import examples, explanations, first_text, instances, texts
from tuneloom.ingest.row import Rejected, Row
from tuneloom.ingest.turns import exchange
from tuneloom.records import Conversation, Example


def one(row: Row) -> Conversation:
    return Conversation(exchange("Q", row.text("output")))


def test_a_broken_instance_costs_only_itself() -> None:
    found = list(instances([{"output": "a"}, 7, {"output": ["b"]}, {"output": "c"}], "Instances", one))
    assert [type(item) for item in found] == [Conversation, Rejected, Rejected, Conversation]
    assert [(item.reason, item.field) for item in found if isinstance(item, Rejected)] == [
        ("not an object", "Instances[1]"),
        ("wrong type", "Instances[2].output"),
    ]


@pytest.mark.parametrize(("found", "reason"), [(None, "wrong type"), ({"a": 1}, "wrong type"), ([], "no instances")])
def test_a_row_without_instances_is_rejected_as_a_whole(found: object, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        list(instances(found, "Instances", one))


def test_single_texts_written_as_lists() -> None:
    assert (first_text(["", "Name it."]), first_text("Name it."), first_text([])) == ("Name it.", "Name it.", "")
    assert (texts("a", "output", []), texts(["a", "b"], "output", [])) == (("a",), ("a", "b"))


def test_examples_need_an_output_and_may_be_a_dash() -> None:
    assert examples([{"input": "France", "output": "Rome"}, {"input": "x"}], False) == (
        Example("France", "Rome", False),
    )
    assert examples("-", True) == ()


def test_a_bad_example_may_be_bad_for_saying_nothing() -> None:
    found = [{"input": "France", "output": "", "explanation": "Say it."}, {"input": "x"}]
    assert (examples(found, False), explanations(found, False)) == ((Example("France", "", False),), ["Say it."])
    assert (examples(found, True), explanations(found, True)) == ((), [])
