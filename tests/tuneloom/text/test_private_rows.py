"""Personal data is masked wherever a conversation can hold it."""

import json

import pytest

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.records import Conversation, Example, Message, content_digest
from tuneloom.text.private_rows import FLAG, mask_rows

MAIL = "ada.moreau@example.org"


@pytest.mark.parametrize(
    "row",
    [
        chat(f"Write to {MAIL}", "Done."),
        chat("Who?", MAIL),
        chat("q", "a", fields={"input": MAIL}),
        chat("q", "a", examples=(Example("in", MAIL),)),
        chat("q", "a", references=(MAIL, "a")),
        chat("q", "a", choices=("b", MAIL)),
        chat("q", "a", meta={"author": {"mails": [MAIL]}}),
        chat("q", "a", meta={MAIL: 1}),
        chat("q", "a", tools=json.dumps([{"name": "send", "default": f"line\n{MAIL}"}])),
        Conversation((Message("user", "q"), Message("assistant", "a", reasoning=f"ask {MAIL}"))),
        Conversation((Message("user", "q"), Message("assistant", "a", tool_calls=json.dumps([{"to": MAIL}])))),
        chat("q", "a", tools=json.dumps([{"arguments": json.dumps({"to": f"电话\n{MAIL}"})}])),
        chat("q", "a", tools=json.dumps([{"to": MAIL}]).replace("@", "\\u0040")),
        chat("q", json.dumps({"to": f"写给\n{MAIL}"})),
        chat("q", "a", task=MAIL),
        chat("q", "a", category=MAIL),
    ],
)
def test_no_field_of_a_row_hides_it(row: Conversation) -> None:
    found = mask_rows(table([chat("clean", "row"), row]))
    assert (len(found.clean), len(found.masked)) == (1, 1)
    assert found.findings == [{"email": 1}]
    text = json.dumps(found.masked.to_pylist(), ensure_ascii=False)
    assert MAIL not in text
    assert "<EMAIL>" in text


def test_a_masked_row_keeps_its_id_and_says_that_it_was_edited() -> None:
    (before,) = table([chat("Who?", MAIL)]).to_pylist()
    (after,) = mask_rows(table([chat("Who?", MAIL)])).masked.to_pylist()
    assert after["id"] == before["id"]
    assert after["content_hash"] == content_digest(chat("Who?", "<EMAIL>")) != before["content_hash"]
    assert after["flags"] == [FLAG]
    assert after["messages"][1]["content"] == "<EMAIL>"


def test_masked_json_is_json_still_and_numbers_are_looked_at() -> None:
    tools = json.dumps({"mail": f"a\n{MAIL}", "phone": 13812345679, "count": 12345678901234, "ok": True})
    (row,) = mask_rows(table([chat("q", "a", tools=tools)])).masked.to_pylist()
    assert json.loads(row["tools"]) == {"mail": "a\n<EMAIL>", "phone": "<PHONE>", "count": 12345678901234, "ok": True}


def test_rows_without_any_are_the_same_rows() -> None:
    rows = table([chat("On 2021-03-14", "1, 2, 3"), chat("你好", "1234567 + 1 = 1234568")])
    found = mask_rows(rows)
    assert found.clean.equals(rows)
    assert len(found.masked) == 0


def test_a_slice_of_a_table_is_masked_as_the_whole() -> None:
    rows = table([chat("a", MAIL, fields={"x": "y"}), chat("b", "c"), chat("d", "e", fields={"input": MAIL})])
    found = mask_rows(rows.slice(1))
    assert [row["fields"] for row in found.masked.to_pylist()] == [[("input", "<EMAIL>")]]
    assert len(found.clean) == 1
