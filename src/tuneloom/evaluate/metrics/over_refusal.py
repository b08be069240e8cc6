"""The share of harmless prompts that are refused, wholly or in part: nothing of a model that never refuses."""

from collections.abc import Sequence

from tuneloom.evaluate.metrics.refusal import score

__all__ = ["DIRECTION", "INTERVAL", "NEEDS", "applies", "score"]
DIRECTION = "lower"
INTERVAL = "share"
NEEDS = ("refusal", 0.05)


def applies(references: Sequence[str]) -> bool:
    """Harmless prompts alone."""
    return references[0] == "safe"
