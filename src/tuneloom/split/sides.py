"""Which side a leak group falls on: a hash of its anchor and the seed decides, never a random draw over rows."""

import numpy as np

from tuneloom.config import Split
from tuneloom.split.groups import Groups
from tuneloom.text.keys import mixed

TRAIN, VALIDATION, TEST = range(3)


def draw_sides(groups: Groups, held_out: np.ndarray, config: Split, seed: int) -> np.ndarray:
    """Side of each of n rows, uint8 (n,); `held_out` bool (n,) marks rows of held-out tasks.

    A group with a held-out row goes to the test side whole, and so does one whose number in [0, 1) lies below the
    share of the test side; the validation side takes the next ones. In tiny data the nearest group fills a side that
    was asked for and would be empty, as long as one is left to train on.
    """
    numbers = _numbers(groups.anchors, seed)
    held = np.isin(groups.labels, groups.labels[held_out])
    sides = np.full(len(numbers), TRAIN, np.uint8)
    sides[numbers < config.test + config.validation] = VALIDATION
    sides[numbers < config.test] = TEST
    sides[held] = TEST
    for side, share in ((TEST, config.test), (VALIDATION, config.validation)):
        spare = np.flatnonzero(sides == TRAIN)
        if share and not (sides == side).any() and len(np.unique(groups.labels[spare])) > 1:
            nearest = groups.labels[spare[np.argmin(numbers[spare])]]
            sides[groups.labels == nearest] = side
    return sides


def _numbers(anchors: np.ndarray, seed: int) -> np.ndarray:
    """float64 (n,) in [0, 1) of anchors uint64 (n, 2)."""
    high = mixed(mixed(anchors[:, 0], seed) ^ anchors[:, 1], seed) >> np.uint64(11)
    return high.astype(np.float64) / 2.0**53
