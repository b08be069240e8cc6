"""Right, falsely given and missed answers of every label: what precision, recall and F1 are computed from.

As scikit-learn's precision_recall_fscore_support with `labels=` the suite's and `zero_division=0`: what was never given
or never right has 0. An answer that is no label is missed for the right one, and falsely given for none.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuneloom.evaluate.metrics import About


def measure(answer: str, references: Sequence[str], about: About) -> list[float]:
    """Labels a, b: `"a"` where `["b"]` is right -> right [0, 0], falsely given [1, 0], missed [0, 1]."""
    right = references[0]
    hits = [float(label == answer == right) for label in about.labels]
    false = [float(label == answer != right) for label in about.labels]
    missed = [float(label == right != answer) for label in about.labels]
    return [*hits, *false, *missed]


def by_label(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Sums float64 (r, 3 L) -> precision, recall and F1, float64 (r, L) each."""
    hits, false, missed = np.split(sums, 3, axis=1)
    return _share(hits, hits + false), _share(hits, hits + missed), _share(2 * hits, 2 * hits + false + missed)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
