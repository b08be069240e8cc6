"""A folded text is as long as before, so that a place in one is the place in the other."""

from hypothesis import given
from hypothesis import strategies as st

from tuneloom.text.full_width import fold


def test_letters_digits_and_spaces_are_folded_and_what_parts_words_is_not() -> None:
    assert fold("Ｅ１２　ｚ＠ｑｑ．ｃｏｍ，（＋８６－１）") == "E12 z@qq.com，（+86-1）"


@given(st.text())
def test_a_folded_text_is_as_long_as_before(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
