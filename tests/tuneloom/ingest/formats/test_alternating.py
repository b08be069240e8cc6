"""Turns as texts alone by their known answer."""

from tests.tuneloom.ingest.formats.answers import parsed, said


def test_the_user_speaks_first() -> None:
    (one,), rest = parsed("alternating", {"id": "0", "data": ["Hi", "Hello", "Bye", "Bye."], "system": "S"})
    turns = [("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "Bye.")]
    assert said(one) == [("system", "S"), *turns]
    assert rest == {"id": "0"}
