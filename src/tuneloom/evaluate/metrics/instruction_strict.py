"""IFEval's accuracy of instructions, strict: the share of all instructions that were kept (Zhou et al. 2023)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuneloom.evaluate.metrics import About
from tuneloom.text.constraints import followed

DIRECTION = "higher"
INTERVAL = "corpus"


def measure(answer: str, references: Sequence[str], about: About) -> list[float]:
    """Kept, and all."""
    kept = followed(answer, references, loose=False)
    return [float(sum(kept)), float(len(kept))]


def combine(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 (r, 2) -> float64 (r,)."""
    return sums[:, 0] / sums[:, 1]
