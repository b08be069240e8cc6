"""Query and response by their known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said


def test_instruction_query_and_history() -> None:
    row = {"system": "S", "instruction": "Add.", "query": "1, 2", "response": "3", "history": [["a", "A"]], "id": 7}
    (one,), rest = parsed("query_response", row)
    assert said(one) == [
        ("system", "S"), ("user", "a"), ("assistant", "A"), ("user", "Add.\n\n1, 2"), ("assistant", "3"),
    ]  # fmt: skip
    assert one.fields == {"instruction": "Add.", "input": "1, 2", "answer": "3"}
    assert rest == {"id": 7}


def test_history_in_a_cell_of_a_table() -> None:
    (one,), _ = parsed("query_response", {"query": "b", "response": "B", "history": '[["a", "A"]]'})
    assert said(one)[:2] == [("user", "a"), ("assistant", "A")]
    assert one.flags == ()  # the stage adds the row's own
