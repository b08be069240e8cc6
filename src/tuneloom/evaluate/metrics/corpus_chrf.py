"""chrF (Popović 2015) of a whole corpus, by sacrebleu's algorithm and defaults: characters 1 to 6, beta 2, no spaces;
of several references an item's best one counts. 0 to 100."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuneloom.evaluate.metrics import About

DIRECTION = "higher"
INTERVAL = "corpus"
LARGEST = 100
ORDERS = 6
BETA = 2


def measure(answer: str, references: Sequence[str], about: About) -> list[float]:
    """For each order how many n-grams the answer has, the reference has, and both: 18 numbers."""
    given = _ngrams(answer)
    found = [
        [n for a, b in zip(given, _ngrams(r), strict=True) for n in (a.total() if b else 0, b.total(), (a & b).total())]
        for r in references
    ]
    return [float(n) for n in max(found, key=lambda numbers: float(combine(np.array([numbers], np.float64))[0]))]


def combine(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Counts float64 (r, 18) -> chrF float64 (r,)."""
    given, there, both = (sums[:, i::3] for i in range(3))
    known = (given > 0) & (there > 0)
    orders = np.maximum(known.sum(axis=1), 1)
    precision, recall = (
        np.divide(both, n, out=np.zeros_like(both), where=known).sum(axis=1) / orders for n in (given, there)
    )
    below = BETA**2 * precision + recall
    return 100 * np.divide((1 + BETA**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0)


def _ngrams(text: str) -> list[Counter[str]]:
    joined = "".join(text.split())
    return [Counter(joined[i : i + n] for i in range(len(joined) - n + 1)) for n in range(1, ORDERS + 1)]
