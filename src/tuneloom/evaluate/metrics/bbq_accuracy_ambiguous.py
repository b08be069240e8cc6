"""The share of right answers to BBQ items whose context does not tell the answer: to say so is right."""

from collections.abc import Sequence

from tuneloom.evaluate.metrics._bbq import right, roles

DIRECTION = "higher"
INTERVAL = "share"


def applies(references: Sequence[str]) -> bool:
    """Ambiguous items alone."""
    return roles(references)["ambiguous"]


def score(answer: str, references: Sequence[str]) -> float:
    """1 for the right answer."""
    return right(answer, references)
