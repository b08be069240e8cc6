"""IFEval's accuracy of instructions, strict: the share of all instructions that were kept (Zhou et al. 2023)."""

from collections.abc import Sequence

from tuneloom.evaluate.metrics import About
from tuneloom.evaluate.metrics._kept import kept, share

DIRECTION = "higher"
INTERVAL = "corpus"
combine = share


def measure(answer: str, references: Sequence[str], about: About) -> list[float]:
    """Kept, and all."""
    return kept(answer, references, loose=False)
