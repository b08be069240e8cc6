"""SQuAD's F1: words in common, in any order, after its normalisation; best over the references; an empty reference
(no answer, v2.0) wants an empty answer. A Chinese sentence is one word to it: see `token_f1`."""

from collections.abc import Sequence

from tuneloom.evaluate.metrics.squad_exact_match import normalise
from tuneloom.evaluate.metrics.token_f1 import bag_f1

DIRECTION = "higher"
INTERVAL = "mean"


def score(answer: str, references: Sequence[str]) -> float:
    """`"in the year 1889"` against `["1889"]` -> 0.5."""
    words = normalise(answer).split()
    return max((bag_f1(words, normalise(reference).split()) for reference in references), default=0.0)
