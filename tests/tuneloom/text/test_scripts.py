"""Classes of characters."""

import pytest

from tuneloom.text.scripts import DIGIT, DROP, PUNCTUATION, SPACE, UNSPACED, WORD, classes, folds


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("aéßжابह가", WORD),
        ("+=<>$€%&#@*/\\-_^|~😀", WORD),
        ("09٣๔", DIGIT),
        ("中漢ぁアｱ々ー〇㐀豈ก่ລក်မㄅ", UNSPACED),
        (".,;:!?\"'()[]{}«»“”…—–、。「」，！؟।။", PUNCTUATION),
        (" \t\n\r\v\f\u00a0\u3000\u2028\u0085", SPACE),
        ("\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\u202e\x00\x07\x1b", DROP),
    ],
)
def test_class(characters: str, expected: int):
    wrong = {char: int(classes()[ord(char)]) for char in characters if ord(char) < len(classes())}
    assert {char: kind for char, kind in wrong.items() if kind != expected} == {}


def test_marks_belong_to_their_letters():
    assert classes()[ord("\u0301")] == WORD
    assert classes()[ord("\u094d")] == WORD


def test_folding_is_one_to_one_and_never_longer():
    for point, folded in enumerate(folds().tolist()):
        if folded != point:
            assert len(chr(folded).encode()) <= len(chr(point).encode())
    assert "".join(chr(folds()[ord(char)]) for char in "AÄΣςЖ٣٩−") == "aäσσж39-"
