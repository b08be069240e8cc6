"""The share of right answers to BBQ items whose context tells the answer."""

from collections.abc import Sequence

from tuneloom.evaluate.metrics._bbq import right, roles

DIRECTION = "higher"
INTERVAL = "share"


def applies(references: Sequence[str]) -> bool:
    """Disambiguated items alone."""
    return not roles(references)["ambiguous"]


def score(answer: str, references: Sequence[str]) -> float:
    """1 for the right answer."""
    return right(answer, references)
