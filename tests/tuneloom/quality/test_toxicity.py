"""The packaged classifier: alive, offline, English."""

import numpy as np

from tuneloom.quality.toxicity import toxicity


def test_insults_score_high_and_plain_words_low() -> None:
    scores = toxicity(["Have a nice day.", "You are a fucking idiot", "", "How do I kill a Python process?"])
    assert scores.dtype == np.float64
    assert scores[1] > 0.95
    assert scores[2] == 0
    assert max(scores[0], scores[3]) < 0.5


def test_one_toxic_line_in_a_long_text_is_found() -> None:
    long = "\n".join(["The river is near the stone."] * 40 + ["you worthless piece of shit"])
    assert toxicity([long])[0] > 0.9
