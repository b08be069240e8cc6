"""Scores by task, category, language and label: where a difference comes from. For reading, never for a verdict."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.evaluate.assessable import Gaps, assessed
from tuneloom.evaluate.comparison import groups, pair, paired_interval, read_scores, score_of
from tuneloom.evaluate.gate_plan import GatePlan
from tuneloom.evaluate.metrics._confusion import by_label

BY = ("task", "category", "language")


def breakdown(items: pa.Table, baseline: str, plan: GatePlan, labels: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Items (schema ITEMS) -> `{"task": {"loss": {"translation": {"n", "tuned", "base", "difference", "low", ...}}}}`.

    Under `labels` the precision, recall and F1 of every label of classification suites, by model. Groups of one value
    alone are left out: they say what the whole says, and so is what cannot be assessed.
    """
    _, gaps = assessed(read_scores(items), plan.metrics)
    found: dict[str, Any] = {by: _by(items, by, baseline, plan, gaps) for by in BY}
    return {**found, "labels": _labels(items, plan, labels)}


def _by(items: pa.Table, column: str, baseline: str, plan: GatePlan, gaps: Gaps) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for metric, measured in plan.metrics.items():
        own = items.filter(pc.equal(items["metric"], metric))
        known = [*groups(own, column)]
        for value, part in known if len(known) > 1 else ():
            scores = {model: own for model, own in read_scores(part).items() if model not in gaps.get(metric, {})}
            shared = pair(scores, baseline, metric)
            if shared is None:
                continue
            low = high = None
            if measured.interval != "corpus":
                interval, _ = paired_interval(shared, measured, plan.gate.confidence, plan.seed)
                low, high = (interval.low, interval.high) if interval else (None, None)
            tuned, other = (score_of(one, measured) for one in (shared.tuned, shared.other))
            tree.setdefault(metric, {})[value] = {
                "n": len(shared.tuned.ids),
                "tuned": tuned,
                baseline: other,
                "difference": None if tuned is None or other is None else tuned - other,
                "low": low,
                "high": high,
            }
    return tree


def _labels(items: pa.Table, plan: GatePlan, labels: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for metric, measured in plan.metrics.items():
        names = labels.get(measured.suite, ())
        if measured.file != "macro_f1" or not names:
            continue
        for model, by in read_scores(items.filter(pc.equal(items["metric"], metric))).items():
            parts = by[metric].parts
            if parts is None:
                continue
            sums = parts.sum(axis=0, keepdims=True)
            precision, recall, f1 = (row[0] for row in by_label(sums))
            support = np.split(sums[0], 3)[0] + np.split(sums[0], 3)[2]
            tree.setdefault(metric, {})[model] = {
                label: {"precision": float(p), "recall": float(r), "f1": float(f), "items": int(n)}
                for label, p, r, f, n in zip(names, precision, recall, f1, support, strict=True)
            }
    return tree
