"""What cannot be assessed, and why: by metric and model, told instead of a number that would mean nothing.

    of any model   the machine lacks what the metric needs: programs are never run outside a sandbox
    of a model     another metric says that this one would be empty: what refuses nothing cannot refuse too much;
                   or the metric is not defined on what was said: no bias of answers that nobody gave

Nothing else of the suite, and nothing of the verdict, is void for it; a condition on such a metric is undecided.
"""

from collections.abc import Mapping

from tuneloom.evaluate.comparison import Models, Scores, score_of
from tuneloom.evaluate.gate_plan import Measured
from tuneloom.evaluate.metrics import Metric, load_metrics
from tuneloom.suites import OwnMetric

Gaps = Mapping[str, Mapping[str, str]]
"""Metric -> model -> why it cannot be assessed."""


def assessed(scores: Models, metrics: Mapping[str, Measured]) -> tuple[Models, Gaps]:
    """Scores by model and metric -> those that mean something, and why the others do not."""
    own_files = {(one.file, one.code) for one in metrics.values() if one.code}
    known = load_metrics(OwnMetric(file, code) for file, code in sorted(own_files))
    gaps: dict[str, dict[str, str]] = {}
    scores = scores or {"tuned": {}}
    for name, measured in metrics.items():
        for model, own in scores.items():
            if why := measured.missing or _why(name, own, metrics, known.get(measured.file)):
                gaps.setdefault(name, {})[model] = why
    left = {
        model: {name: found for name, found in own.items() if model not in gaps.get(name, {})}
        for model, own in scores.items()
    }
    return left, gaps


def in_words(gaps: Mapping[str, str]) -> str:
    """`{"base": "no sandbox", "tuned": "no sandbox"}` -> `no sandbox`; whose it is where they differ."""
    reasons = {why: [model for model, own in gaps.items() if own == why] for why in gaps.values()}
    if len(reasons) == 1 and len(gaps) > 1:
        return next(iter(reasons))
    return "; ".join(f"{', '.join(models)}: {why}" for why, models in reasons.items())


def _why(name: str, own: Mapping[str, Scores], metrics: Mapping[str, Measured], metric: Metric | None) -> str | None:
    if metric is None or name not in own:
        return None
    if metric.needs:
        other, least = metric.needs
        beside = name.replace(f".{metric.name}", f".{other}")
        if beside not in own:
            return f"{beside} was not measured"
        found = score_of(own[beside], metrics[beside]) or 0.0
        if found < least:
            return f"{beside} is {found:.1%}, less than {least:.0%}"
    return metric.undefined if score_of(own[name], metrics[name]) is None else None
