"""IFEval's accuracy of prompts, strict: whether an answer keeps every instruction of its prompt (Zhou et al. 2023)."""

from collections.abc import Sequence

from tuneloom.text.constraints import followed

DIRECTION = "higher"
INTERVAL = "share"


def score(answer: str, references: Sequence[str]) -> float | None:
    """`"hi there"` against `['{"at_most_words": 2}', '{"lower_case": true}']` -> 1.0."""
    return float(all(followed(answer, references, loose=False)))
