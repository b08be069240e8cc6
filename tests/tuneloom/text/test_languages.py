"""Languages of many texts by a kernel: those that `detect_languages` gives."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuneloom.text.language import detect_languages
from tuneloom.text.languages import languages_of

_PIECES = st.sampled_from(
    [
        "The weather is fine today. ", "Guten Tag, wie geht es Ihnen? ", "Où êtes-vous? ", "今天天气很好。",
        "コーヒーを飲みます。", "안녕하세요 ",
        "Привет, как дела? ", " ", "\u3000", "\u2028", "\x1c", "“", "”", "1 + 1", "HELLO THERE ",
        "é", "e\u0301", "ﾊﾟ", "ᄒ", "ー", "々",
        "\u00b2", "ǅ", "𠀀", "😀", "x" * 490, "\u2126", "\u2000", "ÄRGER ",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(_PIECES, max_size=8).map("".join), max_size=5))
@example(["Good day, how are you?", "早上好", "\u3000\u3000早上好" + "a" * 600, "a" * 499 + "早", "", "\u3000", "12"])
@example(["GUTEN TAG, WIE GEHT ES IHNEN?", "   " * 300 + "Good day, how are you?" + " " * 900 + "\u3000"])
def test_every_text_has_the_language_that_it_has_alone(texts: list[str]) -> None:
    encoded = [text.encode() for text in texts]
    bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    assert languages_of(np.frombuffer(b"".join(encoded), np.uint8), bounds).to_pylist() == detect_languages(texts)
