"""Tables without names by their known answers."""

from tests.tuneloom.ingest.formats.answers import only, said


def test_the_rationale_comes_before_the_short_answer_which_is_the_reference() -> None:
    one = only("numbered", {"1": "Is ice hot?\\nOptions:\\n- yes", "2": "no", "3": "Ice is\\nfrozen."})
    assert said(one) == [("user", "Is ice hot?\nOptions:\n- yes"), ("assistant", "Ice is\nfrozen.\n\nno")]
    assert (one.references, one.fields["rationale"]) == (("no",), "Ice is\nfrozen.")


def test_two_columns_are_prompt_and_answer() -> None:
    assert said(only("numbered", {"1": "Is ice hot?", "2": "no"})) == [("user", "Is ice hot?"), ("assistant", "no")]
