"""The row's identity, and tables that keep what rows say."""

from dataclasses import replace

import pytest

from tests.rows import chat
from tuneloom.records import (
    REJECTS,
    ROWS,
    Example,
    Message,
    Origin,
    Reject,
    content_digest,
    digest,
    reject_rows,
    rejects_table,
    to_table,
)

ROW = chat("What is 2 + 2?", "4")


def test_the_id_is_the_hash_of_what_the_row_says() -> None:
    said = '[[{"content":"What is 2 + 2?","role":"user","weight":1},{"content":"4","role":"assistant","weight":1}]'
    assert content_digest(ROW) == digest(said + ",null,[],[]]")


@pytest.mark.parametrize("change", [{"task": "sums"}, {"fields": {"q": "x"}}, {"meta": {"a": 1}}, {"license": "MIT"}])
def test_the_id_does_not_depend_on_what_surrounds_the_words(change: dict) -> None:
    assert content_digest(replace(ROW, **change)) == content_digest(ROW)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (*ROW.messages, Message("user", "Sure?"))},
        {"messages": (ROW.messages[0], replace(ROW.messages[1], weight=0))},
        {"tools": "[]"},
        {"references": ("4", "four")},
        {"choices": ("3", "4")},
    ],
)
def test_the_id_depends_on_messages_tools_references_and_choices(change: dict) -> None:
    assert content_digest(replace(ROW, **change)) != content_digest(ROW)


def test_a_table_keeps_everything_a_row_holds() -> None:
    row = replace(
        ROW, fields={"b": "2", "a": "1"}, examples=(Example("i", "o", False),), references=("4",), meta={"k": [1]}
    )
    table = to_table([(Origin("s", "f", 1, 2), row)])
    assert table.schema == ROWS
    stored = table.to_pylist()[0]
    assert stored["fields"] == [("a", "1"), ("b", "2")]
    assert stored["examples"] == [{"input": "i", "output": "o", "good": False}]
    assert stored["meta"] == '{"k":[1]}'
    assert stored["messages"][1]["content"] == "4"
    assert str(Origin(**stored["origin"])) == "s:f:1#2"


def test_a_reject_keeps_its_bytes_reason_and_twin() -> None:
    twin = Origin("s", "f", 9)
    table = rejects_table("dedup", [Reject(Origin("s", "f", 1), "exact duplicate", {"rule": "x"}, b"\xff", None, twin)])
    assert table.schema == REJECTS
    stored = table.to_pylist()[0]
    assert (stored["stage"], stored["detail"], stored["raw"]) == ("dedup", '{"rule":"x"}', b"\xff")
    assert stored["duplicate_of"]["row"] == 9


def test_rejected_rows_keep_their_json() -> None:
    rejects = reject_rows(to_table([(Origin("s", "f", 1), ROW)]), "too long", [{"value": 9}])
    assert rejects[0].origin == Origin("s", "f", 1)
    assert '"content":"4"' in (rejects[0].record or "")
