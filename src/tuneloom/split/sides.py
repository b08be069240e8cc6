"""Which side a leak group falls on: a hash of its anchor and the seed decides, never a random draw over rows.

What was released on a side stays there, so that a refresh moves nothing (released.py).
"""

from dataclasses import dataclass

import numpy as np

from tuneloom.config import Split
from tuneloom.split.groups import Groups
from tuneloom.text.keys import mixed

TRAIN, VALIDATION, TEST, LEAK, CROSSED, SHOWN = range(6)
"""The last three are no sides. `LEAK`: the row would give a held-out task away; `CROSSED`: it was released on another
side than its group now is on; `SHOWN`: it would judge, and a demonstration shows it to what trains."""


@dataclass(frozen=True)
class Prior:
    """What binds the draw of n rows beforehand."""

    own: np.ndarray
    """int8 (n,): the side on which the row was released; -1 for none"""
    group: np.ndarray
    """int8 (n,): the side of the row's leak group by what of it was released; -1 for none"""
    shown: np.ndarray
    """bool (n,): a demonstration of a row that trains has this row's input"""


def prior_of(groups: Groups, own: np.ndarray, by_anchor: np.ndarray, shown: np.ndarray) -> Prior:
    """The prior of n rows, from the sides they were released on, int8 (n,), and those of a released anchor among their
    strong keys, int8 (n,). Of several sides in a group the one that judges wins: test, then validation."""
    sides = np.full(len(own), -1, np.int8)
    np.maximum.at(sides, groups.labels, np.maximum(own, by_anchor))
    return Prior(own, sides[groups.labels], shown)


def draw_sides(groups: Groups, held_out: np.ndarray, config: Split, seed: int, prior: Prior) -> np.ndarray:
    """Side of each of n rows, uint8 (n,); `held_out` bool (n,) marks rows of held-out tasks.

    Held-out task beats release beats group beats hash. Rows of held-out tasks are test rows. A group that was released
    stays on its side, what is new in it too; of its rows those that were released on another side are `CROSSED`. A
    group that a demonstration shows trains. Of the others, a group whose number in [0, 1) lies below the share of the
    test side is on it whole; the validation side takes the next ones. What else shares a group with a held-out row may
    neither train nor choose: it is a leak. In tiny data the nearest free group fills a side that was asked for and
    would be empty, as long as one is left to train on.
    """
    numbers = _numbers(groups.anchors, seed)
    with_held, with_shown = (np.isin(groups.labels, groups.labels[some]) for some in (held_out, prior.shown))
    released = prior.group >= 0
    sides = np.full(len(numbers), TRAIN, np.uint8)
    sides[numbers < config.test + config.validation] = VALIDATION
    sides[numbers < config.test] = TEST
    sides[with_shown] = TRAIN
    sides[released] = prior.group[released]
    sides[with_held & (sides != TEST)] = LEAK
    sides[held_out] = TEST
    sides[(prior.own >= 0) & (prior.own != sides) & (sides != LEAK)] = CROSSED
    sides[prior.shown & np.isin(sides, (VALIDATION, TEST))] = SHOWN
    for side, share in ((TEST, config.test), (VALIDATION, config.validation)):
        trains = sides == TRAIN
        spare = np.flatnonzero(trains & ~released & ~with_shown)
        if share and len(spare) and not (sides == side).any() and len(np.unique(groups.labels[trains])) > 1:
            nearest = groups.labels[spare[np.argmin(numbers[spare])]]
            sides[groups.labels == nearest] = side
    return sides


def _numbers(anchors: np.ndarray, seed: int) -> np.ndarray:
    """float64 (n,) in [0, 1) of anchors uint64 (n,)."""
    return (mixed(mixed(anchors, seed), seed) >> np.uint64(11)).astype(np.float64) / 2.0**53
