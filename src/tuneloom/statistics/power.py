"""How many items a question needs, and what so many items can tell: by the normal approximation."""

import math

from tuneloom.statistics.intervals import quantile

POWER = 0.8
DISCORDANCE = 0.1
"""Share of the items on which two models are taken to differ before anything is measured; fine-tunes of one base
differ on 5 to 20 %."""


def items_for(spread: float, effect: float, level: float, power: float = POWER) -> int | None:
    """Items at which a bound of confidence `level` on one side clears a distance `effect`, items spreading by `spread`.

    Both models equal, one answer in ten changing (spread sqrt(0.1)), a margin of 0.02, level 0.95 -> 1,546.
    """
    if effect <= 0 or spread <= 0:
        return None
    return math.ceil(((quantile(level) + quantile(power)) * spread / effect) ** 2)


def detectable_before(n: int, largest: float = 1.0, confidence: float = 0.95, power: float = POWER) -> float | None:
    """The true mean difference that n items find with this power, for scores from 0 to `largest`: before anything is
    measured, as if one item in ten changed, wholly.

    1,000 items -> 0.028, 200 -> 0.063; None for none. Never more than `largest`.
    """
    if n < 1:
        return None
    reach = quantile((1 + confidence) / 2) + quantile(power)
    return min(largest, reach * largest * math.sqrt(DISCORDANCE / n))
