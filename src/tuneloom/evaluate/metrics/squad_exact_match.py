"""SQuAD's exact match (its evaluation script, v1.1 and v2.0): lower case, no ASCII punctuation, no a, an, the."""

import re
import string
from collections.abc import Sequence

DIRECTION = "higher"
INTERVAL = "share"
_NO_MARKS = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(a|an|the)\b")


def score(answer: str, references: Sequence[str]) -> float:
    """`"The Eiffel Tower!"` against `["Eiffel tower"]` -> 1.0."""
    return float(normalise(answer) in {normalise(reference) for reference in references})


def normalise(text: str) -> str:
    """`"The Eiffel Tower!"` -> `"eiffel tower"`."""
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_NO_MARKS)).split())
