"""Two models on the same items, metric by metric: paired differences with interval and p-value.

A mean's interval is the wider of the cluster bootstrap and t(C - 1); right or wrong on independent items is McNemar's
exact test, other means a sign-flip test by clusters; a corpus metric is computed anew for every resample. Only items
that both models have are compared, and swapping the models flips every sign.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tuneloom.evaluate import held_out
from tuneloom.evaluate.gate_plan import Measured
from tuneloom.evaluate.metrics import Direction, load_metrics
from tuneloom.statistics import (
    Estimate,
    Interval,
    bootstrap,
    clustered_t,
    corpus_bootstrap,
    corpus_sign_flip,
    items_for,
    mcnemar,
    sign_flip,
    widest,
    wilson,
)
from tuneloom.statistics.corpus import Combine
from tuneloom.suites import OwnMetric

LOSS_EXACT_TO = 1e-3
"""Nats to which a loss is the same whatever batch, machine or order computes it."""


@dataclass(frozen=True)
class Scores:
    """A model's scores in one metric, by id: `values` float64 (n,), `parts` float64 (n, k) of a corpus metric."""

    ids: tuple[str, ...]
    values: NDArray[np.float64]
    clusters: tuple[str, ...]
    parts: NDArray[np.float64] | None

    @property
    def groups(self) -> tuple[str, ...] | None:
        """The clusters; None where no two items belong together."""
        return self.clusters if len(set(self.clusters)) < len(self.clusters) else None


@dataclass(frozen=True)
class Comparison:
    """Tuned against baseline in one metric, as tuned minus baseline; None where the items cannot tell."""

    metric: str
    direction: Direction
    n: int
    clusters: int
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    rows_needed: int | None
    outcome: str = "undecided"


@dataclass(frozen=True)
class Pair:
    """Both models on the items they share."""

    tuned: Scores
    other: Scores

    @property
    def differences(self) -> NDArray[np.float64]:
        """Tuned minus baseline, float64 (n,)."""
        return self.tuned.values - self.other.values


Models = Mapping[str, Mapping[str, Scores]]
"""Model -> metric -> scores."""


def read_scores(items: pa.Table) -> dict[str, dict[str, Scores]]:
    """A table of schema ITEMS -> scores by model and metric, items in the order of their ids."""
    found: dict[str, dict[str, list[tuple[str, float, str, list[float] | None]]]] = {}
    columns = [items[name].to_pylist() for name in ("model", "metric", "id", "value", "cluster", "parts")]
    for model, metric, row_id, value, cluster, parts in zip(*columns, strict=True):
        found.setdefault(model, {}).setdefault(metric, []).append((row_id, value, cluster or row_id, parts))
    return {model: {name: _scores(rows) for name, rows in by.items()} for model, by in found.items()}


def score_of(scores: Scores, measured: Measured) -> float | None:
    """The model's score: the mean, or what the corpus metric makes of the sums; None without items, or undefined."""
    if not len(scores.ids):
        return None
    if scores.parts is None:
        return float(scores.values.mean())
    found = float(combine_of(measured)(scores.parts.sum(axis=0, keepdims=True))[0])
    return None if math.isnan(found) else found


def interval_of(scores: Scores, measured: Measured, confidence: float, seed: int) -> Interval | None:
    """A single score with its interval: Wilson's for a share of independent items, and where all items have one score,
    of as many as there are clusters: no score from 0 to `largest` spreads more than one that is either."""
    interval: Interval | None
    if scores.parts is not None:
        interval = corpus_bootstrap(scores.parts, None, combine_of(measured), confidence, seed, scores.groups)
    elif measured.interval == "share" and scores.groups is None:
        return wilson(scores.values.sum(), len(scores.ids), confidence)
    else:
        means = bootstrap(scores.values, confidence, seed, scores.groups)
        interval = widest(means, clustered_t(scores.values, confidence, scores.groups))
    score, most, clusters = score_of(scores, measured), measured.largest, len(set(scores.clusters))
    if interval is not None or score is None or most is None:
        return interval
    share = wilson(score / most * clusters, clusters, confidence)
    return Interval(score, share.low * most, share.high * most) if share else None


def pair(scores: Models, baseline: str, metric: str) -> Pair | None:
    """Tuned and baseline on the ids that both have; None where they share none."""
    tuned, other = (scores.get(model, {}).get(metric) for model in ("tuned", baseline))
    shared = set(tuned.ids) & set(other.ids) if tuned and other else set()
    if tuned is None or other is None or not shared:
        return None
    return Pair(_only(tuned, shared), _only(other, shared))


def compare(
    found: Pair | None, metric: str, measured: Measured, confidence: float, seed: int
) -> tuple[Comparison, float | None]:
    """The comparison, and the spread of an item's difference (None where it is not known)."""
    if found is None:
        return Comparison(metric, measured.direction, 0, 0, None, None, None, None, None), None
    interval, spread = paired_interval(found, measured, confidence, seed)
    n, clusters = len(found.tuned.ids), len(set(found.tuned.clusters))
    estimate = _difference(found, measured)
    p = _p_value(found, measured, seed)
    gain = estimate * sign(measured.direction)
    needed = items_for(spread, gain, (1 + confidence) / 2) if spread else None
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Comparison(metric, measured.direction, n, clusters, estimate, low, high, p, needed), spread


def judged(found: Comparison, p: float | None, confidence: float) -> Comparison:
    """With the corrected p-value; better or worse where p and the interval both say so.

    Where every item differs by the same there is no spread and no interval: then p and the difference's sign do. A loss
    that differs by less than losses are exact to is undecided, however surely it does: rounding is no progress.
    """
    outcome = "undecided"
    if found.metric == held_out.METRIC and abs(found.estimate or 0.0) < LOSS_EXACT_TO:
        return replace(found, p=p)
    low, high = (found.estimate or 0.0 if end is None else end for end in (found.low, found.high))
    if p is not None and p < 1 - confidence and (low > 0 or high < 0):
        outcome = "better" if (low > 0) == (found.direction == "higher") else "worse"
    return replace(found, p=p, outcome=outcome)


def test_of(found: Pair, measured: Measured) -> str:
    """Which test gives the p-value: McNemar's, one of flipped signs, or one of swapped sums."""
    if found.tuned.parts is not None:
        return "swapped sums"
    return "McNemar" if measured.interval == "share" and found.tuned.groups is None else "flipped signs"


def paired_interval(
    found: Pair, measured: Measured, confidence: float, seed: int
) -> tuple[Interval | None, float | None]:
    """Two-sided interval of tuned minus baseline, and the spread of an item's difference."""
    clusters, n = found.tuned.groups, len(found.tuned.ids)
    if found.tuned.parts is not None and found.other.parts is not None:
        combine = combine_of(measured)
        whole: Estimate | None = corpus_bootstrap(
            found.tuned.parts, found.other.parts, combine, confidence, seed, clusters
        )
        return whole, whole.error * math.sqrt(n) if whole else None
    t = clustered_t(found.differences, confidence, clusters)
    interval = widest(bootstrap(found.differences, confidence, seed, clusters), t)
    return interval, t.error * math.sqrt(n) if t else None


def combine_of(measured: Measured) -> Combine:
    """How a corpus metric makes scores of sums."""
    own = [OwnMetric(measured.file, measured.code)] if measured.code else []
    combine = load_metrics(own)[measured.file].combine
    if combine is None:
        raise ValueError(f"{measured.file} is no corpus metric")
    return combine


def sign(direction: Direction) -> int:
    """1 where more is better, -1 where less is."""
    return 1 if direction == "higher" else -1


def _difference(found: Pair, measured: Measured) -> float:
    if found.tuned.parts is None:
        return float(found.differences.mean())
    own, other = (score_of(scores, measured) for scores in (found.tuned, found.other))
    return float(own or 0.0) - float(other or 0.0)


def _p_value(found: Pair, measured: Measured, seed: int) -> float | None:
    if found.tuned.parts is not None and found.other.parts is not None:
        combine = combine_of(measured)
        return corpus_sign_flip(found.tuned.parts, found.other.parts, combine, seed, found.tuned.groups)
    if measured.interval == "share" and found.tuned.groups is None:
        return mcnemar(found.tuned.values > 0.5, found.other.values > 0.5)
    return sign_flip(found.differences, seed, clusters=found.tuned.groups)


def _scores(rows: list[tuple[str, float, str, list[float] | None]]) -> Scores:
    """Raises ValueError for a score that is not a number, or an item that is there twice."""
    ids, values, clusters, parts = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    if len(set(ids)) < len(ids):
        raise ValueError("an item is scored twice in one metric of one model")
    found = np.array(values, np.float64)
    sums = np.array(parts, np.float64) if parts[0] is not None else None
    if not np.isfinite(found if sums is None else sums).all():
        raise ValueError("a score is not a number")
    return Scores(ids, found, clusters, sums)


def _only(scores: Scores, shared: set[str]) -> Scores:
    keep = [i for i, row_id in enumerate(scores.ids) if row_id in shared]
    return Scores(
        tuple(scores.ids[i] for i in keep),
        scores.values[keep],
        tuple(scores.clusters[i] for i in keep),
        None if scores.parts is None else scores.parts[keep],
    )


def groups(items: pa.Table, column: str) -> Iterator[tuple[str, pa.Table]]:
    """The items of each task (or category, or language), those without one left out."""
    for value in sorted({v for v in items[column].unique().to_pylist() if v is not None}):
        yield value, items.filter(pa.compute.equal(items[column], value))
