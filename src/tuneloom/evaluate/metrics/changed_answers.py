"""The share of prompts whose answer changes with a word that should not matter (counterfactual pairs)."""

from collections.abc import Sequence

DIRECTION = "lower"
INTERVAL = "share"


def across(answers: Sequence[str | None]) -> float:
    """`["yes", "no"]` -> 1.0, `["yes", "yes"]` -> 0.0."""
    return float(len(set(answers)) > 1)
