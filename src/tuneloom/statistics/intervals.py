"""Confidence intervals of means: percentile bootstrap (Efron 1979) and Student's t, both by clusters; Wilson's.

The clustered standard error is Miller's (2024, arXiv 2411.00640) with the usual C / (C - 1) for C clusters, and its
interval has C - 1 degrees of freedom: with five clusters the normal one covers 88 % where 95 are promised.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
FEW_VALUES = 8
"""Up to so many distinct values resamples are drawn as counts: the same distribution, a thousand times as fast."""
_BLOCK = 1 << 21  # numbers drawn at once


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate(Interval):
    """An interval with the standard error and the degrees of freedom behind it."""

    error: float
    freedom: int


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
    values = finite(differences)
    sums, counts = by_cluster(values, clusters)
    if len(sums) < 2 or np.ptp(values) == 0:
        return None
    means = _resampled_means(sums, counts, seed, resamples)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))


def clustered_t(
    differences: ArrayLike, confidence: float = 0.95, clusters: Sequence[object] | None = None
) -> Estimate | None:
    """Mean of `differences` float64 (n,) with the cluster-robust error and t(C - 1) quantiles.

    `[1, 2, 3, 4]` -> `Estimate(2.5, 0.446, 4.554, error=0.645, freedom=3)`. None where `bootstrap` is.
    """
    from scipy.special import stdtrit

    values = finite(differences)
    sums, counts = by_cluster(values, clusters)
    if len(sums) < 2 or np.ptp(values) == 0:
        return None
    mean, groups = float(values.mean()), len(sums)
    residuals = sums - counts * mean
    error = math.sqrt(groups / (groups - 1) * float(residuals @ residuals)) / len(values)
    half = float(stdtrit(groups - 1, (1 + confidence) / 2)) * error
    return Estimate(mean, mean - half, mean + half, error, groups - 1)


def widest(*intervals: Interval | None) -> Interval | None:
    """The smallest interval that holds all of them; None where one is unknown. A claim must pass every method."""
    known = [interval for interval in intervals if interval is not None]
    if not known or len(known) < len(intervals):
        return None
    return Interval(known[0].estimate, min(i.low for i in known), max(i.high for i in known))


def wilson(successes: float, n: int, confidence: float = 0.95) -> Interval | None:
    """Wilson's score interval of a share: 98 of 100 -> `Interval(0.98, 0.930, 0.994)`; None for n = 0."""
    if not n:
        return None
    z, share = quantile((1 + confidence) / 2), successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def by_cluster(
    values: NDArray[np.float64], clusters: Sequence[object] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums and sizes float64 (C,) of values float64 (n,) or (n, k), in the order of labels; each its own by default.

    `[1, 2, 4]` with `["b", "a", "b"]` -> `[2, 5]`, `[1, 2]`; rows of several columns -> sums (C, k).
    """
    if clusters is None:
        return values, np.ones(len(values))
    if len(clusters) != len(values):
        raise ValueError(f"{len(clusters)} cluster labels for {len(values)} differences")
    groups = np.unique([str(c) for c in clusters], return_inverse=True)[1]
    counts = np.bincount(groups, minlength=0).astype(np.float64)
    sums = np.zeros((len(counts), *values.shape[1:]))
    np.add.at(sums, groups, values)
    return sums, counts


def draws(groups: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Blocks of resampled group numbers, int64 (block, groups)."""
    rng, left = np.random.default_rng(seed), resamples
    while left:
        block = min(left, max(1, _BLOCK // groups))
        yield rng.integers(0, groups, (block, groups))
        left -= block


def finite(values: ArrayLike) -> NDArray[np.float64]:
    """As float64 (n,). Raises ValueError for what is not a number: a score that is NaN is an error, not a score."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"differences must be one row of numbers, not {array!r}")
    return array


def quantile(probability: float) -> float:
    """Of the standard normal distribution: 0.975 -> 1.96."""
    return NormalDist().inv_cdf(probability)


def _resampled_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int, resamples: int
) -> NDArray[np.float64]:
    """Sums and sizes float64 (C,) -> means float64 (resamples,)."""
    distinct, first, times = np.unique(np.stack([sums, counts], 1), axis=0, return_index=True, return_counts=True)
    if len(distinct) <= FEW_VALUES:
        seen = np.argsort(first)  # as they come, not by size: swapped models draw the same items
        distinct, times = distinct[seen], times[seen]
        picks = np.random.default_rng(seed).multinomial(len(sums), times / len(sums), resamples)
        return (picks @ distinct[:, 0]) / (picks @ distinct[:, 1])
    blocks = draws(len(sums), resamples, seed)
    return np.concatenate([sums[picks].sum(axis=1) / counts[picks].sum(axis=1) for picks in blocks])
