"""Intervals and tests for paired scores: what a difference between two models on the same items can tell.

Percentile bootstrap (Efron 1979), also by clusters; sign-flip permutation test; exact McNemar for binary scores;
Wilson's interval; Holm's correction. What the data cannot tell is None, never 0.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
_BLOCK = 1 << 21  # numbers drawn at once
_EXACT_SIGNS = 13  # up to here all 2^n sign patterns are fewer than RESAMPLES


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval."""

    estimate: float
    low: float
    high: float


def bootstrap(
    differences: ArrayLike,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """Paired bootstrap of the mean of `differences` float64 (n,); `clusters` (n labels) resamples those instead.

    `[1, 2, 3, 4]` -> about `Interval(2.5, 1.5, 3.5)`. None for fewer than two items or clusters, or where all are
    equal: their spread is unknown, not zero.
    """
    values = _finite(differences)
    groups = (
        np.arange(len(values)) if clusters is None else np.unique([str(c) for c in clusters], return_inverse=True)[1]
    )
    if len(groups) != len(values):
        raise ValueError(f"{len(groups)} cluster labels for {len(values)} differences")
    if len(values) < 2 or np.ptp(values) == 0 or np.ptp(groups) == 0:
        return None
    sums = np.bincount(groups, weights=values).astype(np.float64)
    counts = np.bincount(groups).astype(np.float64)
    means = np.concatenate([_resampled_means(sums, counts, picks) for picks in _draws(len(sums), resamples, seed)])
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))


def sign_flip(differences: ArrayLike, seed: int = 0, resamples: int = RESAMPLES) -> float | None:
    """Two-sided p-value that `differences` float64 (n,) are symmetric about 0: each one's sign may be flipped.

    Exact for few items: `[1, 1, 1, 1, 1]` -> 2/32 = 0.0625. None where fewer than two differ from 0.
    """
    values = _finite(differences)
    values = values[values != 0]
    if len(values) < 2:
        return None
    seen = abs(values.sum())
    bound = seen - 1e-9 * np.abs(values).sum()  # sums of the same numbers in another order are equal
    if len(values) <= _EXACT_SIGNS:
        bits = (np.arange(1 << len(values))[:, None] >> np.arange(len(values))) & 1
        return float(np.mean(np.abs((2 * bits - 1) @ values) >= bound))
    rng, hits, left = np.random.default_rng(seed), 0, resamples
    while left:
        block = min(left, max(1, _BLOCK // len(values)))
        signs = rng.integers(0, 2, (block, len(values)), dtype=np.int8) * 2 - 1
        hits += int(np.sum(np.abs(signs @ values) >= bound))
        left -= block
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


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval | None:
    """Wilson's score interval of a share: 98 of 100 -> `Interval(0.98, 0.930, 0.994)`; None for n = 0."""
    if not n:
        return None
    z, share = _quantile((1 + confidence) / 2), successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction for several claims at once: `[0.01, 0.04]` -> `[0.02, 0.04]`; None stays, and counts."""
    adjusted: list[float | None] = [None] * len(p_values)
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(p_values) - rank)))
        adjusted[i] = largest
    return adjusted


def items_needed(differences: ArrayLike, effect: float, confidence: float = 0.95, power: float = 0.8) -> int | None:
    """Items needed to tell a true mean difference of `effect` from 0, given the spread of `differences` float64 (n,).

    Spread 1, effect 0.5 -> 32. None where there is no spread to go by or nothing to find.
    """
    values = _finite(differences)
    if len(values) < 2 or np.ptp(values) == 0 or effect <= 0:
        return None
    reach = _quantile((1 + confidence) / 2) + _quantile(power)
    return math.ceil((reach * float(values.std(ddof=1)) / effect) ** 2)


def smallest_detectable(differences: ArrayLike, confidence: float = 0.95, power: float = 0.8) -> float | None:
    """The true mean difference that as many items as `differences` float64 (n,) find with this power."""
    values = _finite(differences)
    if len(values) < 2 or np.ptp(values) == 0:
        return None
    reach = _quantile((1 + confidence) / 2) + _quantile(power)
    return reach * float(values.std(ddof=1)) / math.sqrt(len(values))


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"differences must be one row of numbers, not {array!r}")
    return array


def _draws(groups: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Blocks of resampled group numbers, int64 (block, groups)."""
    rng, left = np.random.default_rng(seed), resamples
    while left:
        block = min(left, max(1, _BLOCK // groups))
        yield rng.integers(0, groups, (block, groups))
        left -= block


def _resampled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], picks: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sums and counts float64 (groups,), picks int64 (block, groups) -> means float64 (block,)."""
    return sums[picks].sum(axis=1) / counts[picks].sum(axis=1)


def _quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)
