"""Alpaca by its known answers."""

from tests.tuneloom.ingest.formats.answers import only, parsed, said


def test_instruction_and_input_are_the_prompt() -> None:
    one = only("alpaca", {"instruction": "Add.", "input": "1, 2", "output": "3"})
    assert said(one) == [("user", "Add.\n\n1, 2"), ("assistant", "3")]
    assert one.fields == {"instruction": "Add.", "input": "1, 2", "answer": "3"}


def test_no_input_in_all_its_spellings() -> None:
    for nothing in ("", None, "<noinput>", "No input"):
        assert said(only("alpaca", {"instruction": "Add.", "input": nothing, "output": "3"}))[0] == ("user", "Add.")


def test_system_and_history_come_before() -> None:
    row = {"instruction": "b", "output": "B", "system": "S", "history": [["a", "A"]]}
    assert said(only("alpaca", row)) == [
        ("system", "S"),
        ("user", "a"),
        ("assistant", "A"),
        ("user", "b"),
        ("assistant", "B"),
    ]


def test_response_is_an_answer_too_and_a_second_answer_is_kept_in_meta() -> None:
    assert said(only("alpaca", {"instruction": "a", "response": "A"}))[1] == ("assistant", "A")
    _, rest = parsed("alpaca", {"instruction": "a", "output": "A", "response": "B"})
    assert rest == {"response": "B"}
