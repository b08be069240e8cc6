"""The mean over the labels of their recall, rare ones no less than frequent ones (scikit-learn, average="macro")."""

import numpy as np
from numpy.typing import NDArray

from tuneloom.evaluate.metrics._confusion import by_label, measure

__all__ = ["DIRECTION", "INTERVAL", "combine", "measure"]
DIRECTION = "higher"
INTERVAL = "corpus"


def combine(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts float64 (r, 3 L) -> scores float64 (r,)."""
    return by_label(sums)[1].mean(axis=1)
