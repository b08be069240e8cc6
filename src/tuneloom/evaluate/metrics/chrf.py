"""chrF (Popović 2015): F2 of character n-grams, by sacrebleu with its defaults, 0 to 100; for any language."""

from collections.abc import Sequence
from functools import cache
from typing import Any

DIRECTION = "higher"
INTERVAL = "mean"
LARGEST = 100


def score(answer: str, references: Sequence[str]) -> float:
    """Best over the references: `"the cat"` against `["the cat"]` -> 100.0."""
    return float(_chrf().sentence_score(answer, list(references)).score) if references else 0.0


@cache
def _chrf() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF()
