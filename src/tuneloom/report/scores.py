"""The scores of a run for the report: each metric against its baselines with intervals, and by task and language.

The gate's own comparison is told as it stands; where a champion was the baseline, the base is compared by the same
method, for reading only.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact
from tuneloom.evaluate.comparison import compare, pair, read_scores, sign
from tuneloom.evaluate.gate_plan import PLAN, GatePlan, plan_from_json
from tuneloom.report.charts import Interval, Whisker, interval

FIRST = 12
"""Groups that a chart shows: the worst and the best; its table has all."""


@dataclass(frozen=True)
class Against:
    """Tuned less `who`, with its interval; `better` is None where that is undecided."""

    who: str
    difference: float | None
    low: float | None
    high: float | None
    bar: Interval | None
    better: bool | None


@dataclass(frozen=True)
class Score:
    """A metric: the scores, the differences, first to the baseline that the gate chose, and why there is none of a
    model."""

    name: str
    direction: str
    items: int | None
    base: float | None
    champion: float | None
    tuned: float | None
    against: tuple[Against, ...]
    not_assessable: str | None = None

    @property
    def better(self) -> bool | None:
        """The gate's word, which also corrects for several metrics."""
        return self.against[0].better


@dataclass(frozen=True)
class Group:
    """A task, say, in one metric."""

    name: str
    n: int
    other: float | None
    tuned: float | None
    difference: float | None
    low: float | None
    high: float | None
    better: bool | None


@dataclass(frozen=True)
class Groups:
    """A metric by task, category or language, the worst difference first."""

    by: str
    metric: str
    direction: str
    baseline: str
    rows: tuple[Group, ...]


def read_all_scores(evaluation: Artifact) -> list[Score]:
    """One `Score` a metric, the gate's own metrics first."""
    tree, plan = json.loads(evaluation.path("verdict.json").read_text("utf-8")), read_plan(evaluation)
    decisive, metrics = [condition["metric"] for condition in tree["conditions"]], tree["metrics"]
    further = _against_base(evaluation, plan) if tree["baseline"] == "champion" else {}
    order = sorted(metrics, key=lambda name: (decisive.index(name) if name in decisive else len(decisive), name))
    return [
        _score(name, found, tree["baseline"], None if found.get("not_assessable") else further.get(name))
        for name in order
        if (found := metrics[name])
    ]


def read_groups(evaluation: Artifact, baseline: str) -> list[Groups]:
    """breakdown.json: tasks first, then categories and languages, each by metric in the plan's order."""
    tree = json.loads(evaluation.path("breakdown.json").read_text("utf-8"))
    metrics = read_plan(evaluation).metrics
    found = []
    for by in ("task", "category", "language"):
        for metric in sorted(tree.get(by, {}), key=[*metrics].index):
            way = sign(metrics[metric].direction)
            rows = [_group(name, one, baseline, way) for name, one in tree[by][metric].items()]
            rows.sort(key=lambda row: (row.difference is None, (row.difference or 0) * way, row.name))
            found.append(Groups(by, metric, metrics[metric].direction, baseline, tuple(rows)))
    return found


def masked_groups(groups: Groups, mask: Callable[[str], str]) -> Groups:
    """The same with personal data in names replaced: tasks are named by the data."""
    return replace(groups, rows=tuple(replace(row, name=mask(row.name)) for row in groups.rows))


def read_labels(evaluation: Artifact) -> list[tuple[str, str, str, Mapping[str, float]]]:
    """(metric, model, label, its precision, recall, f1 and items) of every classification suite."""
    tree = json.loads(evaluation.path("breakdown.json").read_text("utf-8")).get("labels", {})
    return [
        (metric, model, label, found)
        for metric, models in tree.items()
        for model, labels in models.items()
        for label, found in labels.items()
    ]


def whiskers(groups: Groups) -> list[Whisker]:
    """The worst and the best groups for a chart, in order: `qa (12 rows)`."""
    known = [row for row in groups.rows if row.difference is not None]
    shown = known if len(known) <= 2 * FIRST else [*known[:FIRST], *known[-FIRST:]]
    tones = {True: "good", False: "bad", None: "unsure"}
    return [
        Whisker(f"{row.name} ({row.n} rows)", row.low, row.difference or 0.0, row.high, tones[row.better])
        for row in shown
    ]


def read_plan(evaluation: Artifact) -> GatePlan:
    """What was measured, and how."""
    return plan_from_json(evaluation.path(PLAN).read_text("utf-8"))


def _against_base(evaluation: Artifact, plan: GatePlan) -> dict[str, Against]:
    scores = read_scores(pq.read_table(evaluation.path("items.parquet")))
    found = {}
    for name, measured in plan.metrics.items():
        one, _ = compare(pair(scores, "base", name), name, measured, plan.gate.confidence, plan.seed)
        better = _sure(one.low, one.high, sign(measured.direction))
        found[name] = _difference("base", one.low, one.estimate, one.high, better)
    return found


def _score(name: str, found: Mapping[str, Any], baseline: str, further: Against | None) -> Score:
    better = {"better": True, "worse": False}.get(found["outcome"])
    own = _difference(baseline, found["low"], found["difference"], found["high"], better)
    gaps = "; ".join(f"{model}: {why}" for model, why in found.get("not_assessable", {}).items()) or None
    scores = (found["base"], found["champion"], found["tuned"])
    return Score(name, found["direction"], found.get("n"), *scores, (own, further) if further else (own,), gaps)


def _difference(who: str, low: float | None, point: float | None, high: float | None, better: bool | None) -> Against:
    bar = interval(low, point, high) if low is not None and point is not None and high is not None else None
    return Against(who, point, low, high, bar, better)


def _group(name: str, found: Mapping[str, Any], baseline: str, way: int) -> Group:
    ends = found["low"], found["high"]
    scores = (found[baseline], found["tuned"], found["difference"])
    return Group(name, found["n"], *scores, *ends, _sure(*ends, way))


def _sure(low: float | None, high: float | None, way: int) -> bool | None:
    """Whether an interval lies wholly on the good side, wholly on the bad one, or on both (None)."""
    if low is None or high is None or low <= 0 <= high:
        return None
    return (low > 0) == (way > 0)
