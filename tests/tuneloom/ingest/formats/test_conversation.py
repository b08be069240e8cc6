"""Our own rows by their known answer; that they come back unharmed is in tests/tuneloom/test_export.py."""

import pytest

from tests.tuneloom.ingest.formats.answers import parsed, said
from tuneloom.config import Source
from tuneloom.ingest.describe import with_labels
from tuneloom.ingest.formats import formats
from tuneloom.ingest.row import Rejected
from tuneloom.records import Example

ORIGIN = {"source": "faq", "file": "a.json", "row": 3, "part": 0}
ROW = {
    "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello", "weight": 1}],
    "fields": {"instruction": "Hi", "answer": "Hello"},
    "examples": [{"input": "Hey", "output": "Ho", "good": False}],
    "references": ["Hello", "Hullo"],
    "choices": ["Hello", "Bye"],
    "task": "greet",
    "language": "en",
    "meta": {"seen": 1},
    "side": "train",
    "id": "5d41402abc4b2a76b9719d911017c592",
    "origin": ORIGIN,
}


def test_a_row_says_what_it_said_and_where_it_came_from() -> None:
    (one,), rest = parsed("conversation", ROW)
    assert said(one) == [("user", "Hi"), ("assistant", "Hello")]
    assert (one.fields, one.references, one.choices) == (ROW["fields"], ("Hello", "Hullo"), ("Hello", "Bye"))
    assert (one.examples, one.task, one.language) == ((Example("Hey", "Ho", False),), "greet", "en")
    assert one.meta == {"seen": 1, "exported": {"id": ROW["id"], "origin": ORIGIN}}
    assert rest == {"side": "train"}


def test_messages_that_others_wrote_are_not_ours() -> None:
    ours, messages = formats()["conversation"], formats()["messages"]
    for row in (ROW, {name: ROW[name] for name in ("messages", "id", "origin")} | {"system": "Be kind."}):
        assert ours.claims(row) > messages.claims(row)
    for change in ({"origin": None}, {"origin": "web"}, {"origin": {"source": "faq"}}):
        assert ours.claims({**ROW, **change}) == 0


@pytest.mark.parametrize(
    ("field", "value"), [("fields", "{"), ("fields", 7), ("meta", ["a"]), ("examples", [{"input": "a"}])]
)
def test_what_a_hand_spoilt_is_rejected_with_the_field(field: str, value: object) -> None:
    with pytest.raises(Rejected, match="wrong type") as caught:
        parsed("conversation", {**ROW, field: value})
    assert caught.value.field.startswith(field)


def test_what_was_a_suites_stays_out_of_training_whatever_its_source_says() -> None:
    asked = {**ROW, "messages": ROW["messages"][:1], "use": "decontaminate"}
    (one,), _ = parsed("conversation", asked)
    assert with_labels(
        one, dict.fromkeys(("task", "license", "language")), {}, Source(name="s", path="p"), None
    ).use == ("decontaminate")
    with pytest.raises(Rejected, match="unknown use"):
        parsed("conversation", {**ROW, "use": "trian"})
