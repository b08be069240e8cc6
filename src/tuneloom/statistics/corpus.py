"""Two models by a corpus metric (BLEU, macro F1), which is no mean of items: it is computed anew for every resample.

Each item has a row of numbers whose sums over a corpus decide its score. Bootstrap and approximate randomisation
(Riezler and Maxwell 2005) draw clusters of items, both models' together.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tuneloom.statistics.intervals import RESAMPLES, Estimate, by_cluster, draws
from tuneloom.statistics.significance import sign_patterns

Combine = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Summed numbers float64 (r, k) -> scores float64 (r,)."""
_EXACT = 13


def corpus_bootstrap(
    first: NDArray[np.float64],
    second: NDArray[np.float64] | None,
    combine: Combine,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
) -> Estimate | None:
    """The score of `first` float64 (n, k), less that of `second` where there is one, with its bootstrap interval.

    The error is the spread of the resamples, undefined scores aside. None for fewer than two clusters, or where no
    resample differs.
    """
    both = first if second is None else np.concatenate([first, second], axis=1)
    sums = by_cluster(both, clusters)[0]
    width, groups = first.shape[1] if first.ndim == 2 else 0, len(sums)
    if groups < 2:
        return None

    def score(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        own = combine(totals[:, :width])
        return own if second is None else own - combine(totals[:, width:])

    found = [score(_weights(picks, groups) @ sums) for picks in draws(groups, resamples, seed)]
    scores, seen = np.concatenate(found), float(score(sums.sum(axis=0, keepdims=True))[0])
    scores = scores[~np.isnan(scores)]
    if len(scores) < 2 or np.ptp(scores) == 0:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return Estimate(seen, float(low), float(high), float(scores.std(ddof=1)), groups - 1)


def corpus_sign_flip(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    combine: Combine,
    seed: int = 0,
    clusters: Sequence[object] | None = None,
    resamples: int = RESAMPLES,
) -> float | None:
    """Two-sided p-value that the models of `first` and `second` float64 (n, k) may be swapped, cluster by cluster.

    Exact for few clusters that differ; None where fewer than two do. Swaps whose score is not defined are left aside.
    """
    apart = by_cluster(first - second, clusters)[0]
    apart = apart[np.any(apart != 0, axis=1)]
    if len(apart) < 2:
        return None
    total = (first + second).sum(axis=0)

    def differences(signs: NDArray[np.int64]) -> NDArray[np.float64]:
        swung = signs @ apart
        return combine((total + swung) / 2) - combine((total - swung) / 2)

    seen = abs(float(differences(np.ones((1, len(apart)), np.int64))[0]))
    bound = seen - 1e-9 * max(seen, 1.0)
    if len(apart) <= _EXACT:
        found = differences(sign_patterns(len(apart)))
        return float(np.mean(np.abs(found[~np.isnan(found)]) >= bound))
    signs = np.random.default_rng(seed).integers(0, 2, (resamples, len(apart))) * 2 - 1
    found = differences(signs)
    found = found[~np.isnan(found)]
    return (int(np.sum(np.abs(found) >= bound)) + 1) / (len(found) + 1)


def _weights(picks: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    """How often each group was picked: int64 (r, groups) -> float64 (r, groups)."""
    flat = picks + np.arange(len(picks))[:, None] * groups
    return np.bincount(flat.ravel(), minlength=len(picks) * groups).reshape(len(picks), groups).astype(np.float64)
