"""Self-instruct by its known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said


def test_each_instance_is_a_conversation() -> None:
    row = {
        "id": "seed_1",
        "name": "addition",
        "instruction": "Add.",
        "instances": [{"input": "1, 2", "output": "3"}, {"input": "<noinput>", "output": "0", "note": "n"}],
    }
    (first, second), rest = parsed("self_instruct", row)
    assert said(first) == [("user", "Add.\n\n1, 2"), ("assistant", "3")]
    assert (said(second), second.flags) == ([("user", "Add."), ("assistant", "0")], ("no-input mark dropped",))
    assert (first.task, first.fields["input"], second.meta) == ("addition", "1, 2", {"note": "n"})
    assert rest == {"id": "seed_1"}
