"""Dolly by its known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said


def test_instruction_and_context_are_the_prompt() -> None:
    row = {"instruction": "Who?", "context": "Ada wrote.", "response": "Ada", "category": "closed_qa"}
    (one,), rest = parsed("dolly", row)
    assert said(one) == [("user", "Who?\n\nAda wrote."), ("assistant", "Ada")]
    assert one.fields == {"instruction": "Who?", "context": "Ada wrote.", "answer": "Ada"}
    assert rest == {"category": "closed_qa"}  # the stage claims the row's own labels
