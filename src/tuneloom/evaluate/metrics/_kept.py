"""How many instructions of how many were kept: what IFEval's accuracy of instructions is computed from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuneloom.text.constraints import followed


def kept(answer: str, constraints: Sequence[str], loose: bool) -> list[float]:
    """Kept, and all."""
    found = followed(answer, constraints, loose)
    return [float(sum(found)), float(len(found))]


def share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 (r, 2) -> float64 (r,)."""
    return sums[:, 0] / sums[:, 1]
