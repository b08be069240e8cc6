"""Tests of paired scores: sign-flip permutation, by clusters too, exact McNemar for right and wrong, Holm's correction.

Swapping the two models flips signs and leaves every p-value as it is.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tuneloom.statistics.intervals import FEW_VALUES, RESAMPLES, by_cluster, finite

_EXACT_SIGNS = 13  # up to here all 2^n sign patterns are fewer than RESAMPLES
_BLOCK = 1 << 21  # signs drawn at once


def sign_flip(
    differences: ArrayLike, seed: int = 0, resamples: int = RESAMPLES, clusters: Sequence[object] | None = None
) -> float | None:
    """Two-sided p-value that `differences` float64 (n,) are symmetric about 0: each one's sign may be flipped.

    `clusters` (n labels) flips the signs of a cluster together. Exact for few: `[1, 1, 1, 1, 1]` -> 2/32 = 0.0625.
    None where fewer than two differ from 0.
    """
    values = by_cluster(finite(differences), clusters)[0]
    values = values[values != 0]
    if len(values) < 2:
        return None
    seen = abs(values.sum())
    bound = seen - 1e-9 * np.abs(values).sum()  # sums of the same numbers in another order are equal
    if len(values) <= _EXACT_SIGNS:
        return float(np.mean(np.abs(sign_patterns(len(values)) @ values) >= bound))
    hits = sum(int(np.sum(np.abs(flipped) >= bound)) for flipped in _flipped_sums(values, seed, resamples))
    return (hits + 1) / (resamples + 1)


def mcnemar(first: ArrayLike, second: ArrayLike) -> float | None:
    """Exact two-sided McNemar test of two binary outcomes bool (n,) on the same items.

    5 items right by the first alone, 0 by the second alone -> 2/32 = 0.0625. None without discordant pairs.
    """
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} and {b.shape} outcomes cannot be paired")
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    discordant = only_a + only_b
    if not discordant:
        return None
    tail = sum(math.comb(discordant, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / 2**discordant)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction for several claims at once: `[0.01, 0.04]` -> `[0.02, 0.04]`; None stays, and counts."""
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(p_values) - rank)))
        adjusted[i] = largest
    return adjusted


def sign_patterns(n: int) -> NDArray[np.int64]:
    """All patterns of n signs, int64 (2^n, n): 1 -> `[[-1], [1]]`."""
    return 2 * ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1) - 1


def _flipped_sums(values: NDArray[np.float64], seed: int, resamples: int) -> list[NDArray[np.float64]]:
    """Sums of values float64 (n,) under random signs, in blocks; of few distinct sizes by counts, which is the same."""
    rng = np.random.default_rng(seed)
    sizes, times = np.unique(np.abs(values), return_counts=True)
    if len(sizes) <= FEW_VALUES:
        ups = rng.binomial(times, 0.5, (resamples, len(sizes)))
        return [(2 * ups - times) @ sizes]
    sums, left = [], resamples
    while left:
        block = min(left, max(1, _BLOCK // len(values)))
        signs = rng.integers(0, 2, (block, len(values)), dtype=np.int8) * 2 - 1
        sums.append(signs @ values)
        left -= block
    return sums
