"""The share of right labels. The label is chosen by ranking, or found in what was generated (`evaluate/labels.py`)."""

from collections.abc import Sequence

DIRECTION = "higher"
INTERVAL = "share"


def score(answer: str, references: Sequence[str]) -> float:
    """`"positive"` against `["positive"]` -> 1.0."""
    return float(answer in references)
