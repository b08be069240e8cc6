"""Question and answer by their known answers."""

from tests.tuneloom.ingest.formats.answers import only, said


def test_gsm8k() -> None:
    one = only("question_answer", {"question": "How many?", "answer": "1+2=<<1+2=3>>3\n#### 3"})
    assert said(one) == [("user", "How many?"), ("assistant", "1+2=<<1+2=3>>3\n#### 3")]
    assert one.fields == {"instruction": "How many?", "answer": "1+2=<<1+2=3>>3\n#### 3"}


def test_openorca() -> None:
    row = {"id": "niv.1", "system_prompt": "Explain.", "question": "Why?", "response": "Because."}
    assert said(only("question_answer", row)) == [("system", "Explain."), ("user", "Why?"), ("assistant", "Because.")]
