"""The learning rate of every step: a linear warm-up, then a constant, linear or cosine schedule."""

import math

from tuneloom.config import Train


def learning_rate(step: int, steps: int, settings: Train) -> float:
    """Rate of step 0, 1, ..., steps - 1: a linear rise over the warm-up, never 0 at first, then the schedule.

    learning_rate 1e-3, warmup 0.2, cosine, 10 steps -> 5e-4, 1e-3, 9.7e-4, ..., 3.0e-5.
    """
    rising = math.ceil(settings.warmup * steps)
    if step < rising:
        return settings.learning_rate * (step + 1) / rising
    at_peak = min(rising, 1)  # the last warm-up step has the full rate already
    done = (step - rising + at_peak) / (steps - rising + at_peak)
    factor = {"cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done, "constant": 1.0}[settings.schedule]
    return settings.learning_rate * factor
