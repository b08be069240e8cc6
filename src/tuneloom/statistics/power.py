"""How many items a question needs, and what the items at hand can tell: by the normal approximation."""

import math

import numpy as np
from numpy.typing import ArrayLike

from tuneloom.statistics.intervals import finite, quantile

POWER = 0.8
DISCORDANCE = 0.1
"""Share of the items on which two models are taken to differ before anything is measured; fine-tunes of one base
differ on 5 to 20 %."""


def items_needed(differences: ArrayLike, effect: float, confidence: float = 0.95, power: float = POWER) -> int | None:
    """Items needed to tell a true mean difference of `effect` from 0, given the spread of `differences` float64 (n,).

    Spread 1, effect 0.5 -> 32. None where there is no spread to go by or nothing to find.
    """
    values = finite(differences)
    if len(values) < 2 or np.ptp(values) == 0:
        return None
    return items_for(float(values.std(ddof=1)), effect, (1 + confidence) / 2, power)


def items_for(spread: float, effect: float, level: float, power: float = POWER) -> int | None:
    """Items at which a bound of confidence `level` on one side clears a distance `effect`, items spreading by `spread`.

    Both models equal, one answer in ten changing (spread sqrt(0.1)), a margin of 0.02, level 0.95 -> 1,546.
    """
    if effect <= 0 or spread <= 0:
        return None
    return math.ceil(((quantile(level) + quantile(power)) * spread / effect) ** 2)


def smallest_detectable(differences: ArrayLike, confidence: float = 0.95, power: float = POWER) -> float | None:
    """The true mean difference that as many items as `differences` float64 (n,) find with this power."""
    values = finite(differences)
    if len(values) < 2 or np.ptp(values) == 0:
        return None
    reach = quantile((1 + confidence) / 2) + quantile(power)
    return reach * float(values.std(ddof=1)) / math.sqrt(len(values))


def detectable_before(n: int, largest: float = 1.0, confidence: float = 0.95, power: float = POWER) -> float | None:
    """The same before anything is measured, for scores from 0 to `largest`: as if one item in ten changed, wholly.

    1,000 items -> 0.028, 200 -> 0.063; None for none. Never more than `largest`.
    """
    if n < 1:
        return None
    reach = quantile((1 + confidence) / 2) + quantile(power)
    return min(largest, reach * largest * math.sqrt(DISCORDANCE / n))
