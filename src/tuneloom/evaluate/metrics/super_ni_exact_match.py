"""Super-NaturalInstructions' official exact match (Tk-Instruct, compute_metrics.py): lower case, no ASCII punctuation,
single spaces, articles kept; the best over the references. By it "-5" equals "5": `exact_match` stands beside it."""

import string
from collections.abc import Sequence

DIRECTION = "higher"
INTERVAL = "share"
_NO_MARKS = str.maketrans("", "", string.punctuation)


def score(answer: str, references: Sequence[str]) -> float:
    """`"The cat."` against `["the cat"]` -> 1.0; `"。"` against `[""]` -> 0.0."""
    return float(_plain(answer) in {_plain(reference) for reference in references})


def _plain(text: str) -> str:
    return " ".join(text.lower().translate(_NO_MARKS).split())
