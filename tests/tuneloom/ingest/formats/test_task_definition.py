"""A Super-NI instance as a row by its known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said


def test_definition_input_and_every_reference() -> None:
    row = {"task_name": "task1", "id": "t-1", "definition": "Name it.", "inputs": "France", "targets": ["Paris", "P"]}
    (one,), rest = parsed("task_definition", row)
    assert said(one) == [("user", "Name it.\n\nFrance"), ("assistant", "Paris")]
    assert (one.references, one.task, rest) == (("Paris", "P"), "task1", {"id": "t-1"})
    assert one.fields == {"definition": "Name it.", "input": "France", "answer": "Paris"}
