"""What is measured, by its full name: a metric's direction, interval and setting, the suite it is of, and on how many
items."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from tuneloom.errors import ConfigError
from tuneloom.evaluate.gate_plan import Measured
from tuneloom.evaluate.metrics import Metric, load_metrics
from tuneloom.evaluate.suite_scores import metric_names
from tuneloom.suites import Suite


def measured_of(names: Iterable[str], suite: str, items: int) -> dict[str, Measured]:
    """Our metrics of those names on so many items of one suite."""
    metrics = load_metrics()
    return {name: _measured(metrics[name], suite, items) for name in names}


def measured_suites(suites: Sequence[Suite], items: Mapping[str, int]) -> dict[str, Measured]:
    """Every metric of the suites, which have so many `items` each; raises ConfigError for a name that nobody knows.

    `mood_en` -> `{"mood_en.accuracy": Measured(...), "mood_en.accuracy.sum": ...}`
    """
    found = {}
    for suite in suites:
        metrics = load_metrics(suite.own_metrics)
        own = {one.name: one.text for one in suite.own_metrics}
        for metric in suite.metrics:
            check_known(metric, list(metrics), f"suite {suite.name}: metrics")
        for full, name, _ in metric_names(suite):
            count = metrics[name].count(suite.rows) if suite.rows else items[suite.name]
            found[full] = _measured(metrics[name], suite.name, count, suite.language, own.get(name))
    return found


def check_known(name: str, known: Sequence[str], where: str) -> None:
    """Raises ConfigError for a metric that is not among `known`, with the one that was meant."""
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise ConfigError(
            f"the gate or a suite asks for the metric {name!r}, which is not measured",
            where=where,
            remedy=f"Did you mean `{close[0]}`?" if close else f"Measured: {', '.join(known)}.",
        )


def _measured(metric: Metric, suite: str, items: int, language: str | None = None, code: str | None = None) -> Measured:
    mark = metric.signature(language) if metric.signature else None
    why = metric.missing()
    return Measured(metric.direction, metric.interval, metric.largest, metric.name, suite, items, mark, code, why)
