"""Which side a leak group falls on: a hash of its anchor and the seed decides, never a random draw over rows."""

import numpy as np

from tuneloom.config import Split
from tuneloom.split.groups import Groups
from tuneloom.text.keys import mixed

TRAIN, VALIDATION, TEST, LEAK = range(4)
"""`LEAK` is no side: the row would give a held-out task away."""


def draw_sides(groups: Groups, held_out: np.ndarray, config: Split, seed: int) -> np.ndarray:
    """Side of each of n rows, uint8 (n,); `held_out` bool (n,) marks rows of held-out tasks.

    Held-out task beats group beats hash. Rows of held-out tasks are test rows. A group whose number in [0, 1) lies
    below the share of the test side is on it whole; the validation side takes the next ones. What else shares a group
    with a held-out row may neither train nor choose: it is a leak. In tiny data the nearest group fills a side that
    was asked for and would be empty, as long as one is left to train on.
    """
    numbers = _numbers(groups.anchors, seed)
    with_held = np.isin(groups.labels, groups.labels[held_out])
    sides = np.full(len(numbers), TRAIN, np.uint8)
    sides[numbers < config.test + config.validation] = VALIDATION
    sides[numbers < config.test] = TEST
    sides[with_held & (sides != TEST)] = LEAK
    sides[held_out] = TEST
    for side, share in ((TEST, config.test), (VALIDATION, config.validation)):
        spare = np.flatnonzero(sides == TRAIN)
        if share and not (sides == side).any() and len(np.unique(groups.labels[spare])) > 1:
            nearest = groups.labels[spare[np.argmin(numbers[spare])]]
            sides[groups.labels == nearest] = side
    return sides


def _numbers(anchors: np.ndarray, seed: int) -> np.ndarray:
    """float64 (n,) in [0, 1) of anchors uint64 (n,)."""
    return (mixed(mixed(anchors, seed), seed) >> np.uint64(11)).astype(np.float64) / 2.0**53
