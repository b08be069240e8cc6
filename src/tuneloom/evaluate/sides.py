"""What is known of a model that is compared: its scores, what it said to which questions, and how it was measured.

It comes from models that were asked alone, or from what a run's evaluation stored.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts.artifact import Artifact
from tuneloom.evaluate import held_out
from tuneloom.evaluate.alone import MODEL
from tuneloom.evaluate.assessable import assessed
from tuneloom.evaluate.comparison import Pair, Scores, pair, read_scores
from tuneloom.evaluate.gate_plan import PLAN, Measured, plan_from_json
from tuneloom.evaluate.items import HELD_OUT


@dataclass(frozen=True)
class Asked:
    """A question as people read it."""

    prompt: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class Side:
    """A model and what is known of it: scores by metric, outputs (schema OUTPUTS), questions by id, metrics by name.

    `base` is the digest of its base, whose tokens a loss is counted in, `settings` say of each suite how it was asked,
    `gaps` of each metric that is not assessable why.
    """

    name: str
    base: str
    scores: Mapping[str, Scores]
    outputs: pa.Table
    questions: Mapping[str, Asked]
    measured: Mapping[str, Measured]
    settings: Mapping[str, str]
    gaps: Mapping[str, str] = field(default_factory=dict)


def side_of_scores(name: str, base: str, artifacts: Mapping[str, Artifact]) -> Side:
    """A model asked alone (`alone.py`), by its scores on each suite."""
    tables: dict[str, list[pa.Table]] = {"items": [], "outputs": [], "questions": []}
    measured: dict[str, Measured] = {}
    for artifact in artifacts.values():
        for file, found in tables.items():
            found.append(pq.read_table(artifact.path(f"{file}.parquet")))
        tree = json.loads(artifact.path("measured.json").read_text("utf-8"))
        measured |= {metric: Measured(**known) for metric, known in tree}
    settings = {suite: artifact.manifest.spec["inputs"]["suite"] for suite, artifact in artifacts.items()}
    items, outputs, questions = (pa.concat_tables(found) for found in tables.values())
    scores, gaps = _known(read_scores(items).get(MODEL, {}), measured)
    return Side(name, base, scores, outputs, _questions(questions), measured, settings, gaps)


def side_of_run(name: str, evaluation: Artifact) -> Side:
    """The model that a run tuned, by what its evaluation stored."""
    items, outputs, samples = (pq.read_table(evaluation.path(f"{f}.parquet")) for f in ("items", "outputs", "samples"))
    plan = plan_from_json(evaluation.path(PLAN).read_text("utf-8"))
    own = outputs.filter(pc.equal(outputs["model"], "tuned"))
    spec = evaluation.manifest.spec
    settings = {**spec["inputs"].get("suites", {}), HELD_OUT: str(spec["config"]["evaluate"]["max_new_tokens"])}
    scores, gaps = _known(read_scores(items).get("tuned", {}), plan.metrics)
    return Side(name, str(spec["inputs"]["model"]), scores, own, _questions(samples), plan.metrics, settings, gaps)


def pairs_of(first: Side, second: Side) -> dict[str, Pair]:
    """Both on each metric that means the same in both and has items in common, in the order of the first's metrics."""
    both = {"tuned": first.scores, "base": second.scores}
    found = {metric: pair(both, "base", metric) for metric in _shared(first, second)}
    return {metric: one for metric, one in found.items() if one}


def _shared(first: Side, second: Side) -> list[str]:
    """Metrics that mean the same in both; a loss only where both count it in the same tokens."""
    same = []
    for metric, measured in first.measured.items():
        other = second.measured.get(metric)
        if other is None or _setting(first, measured) != _setting(second, other):
            continue
        if measured.file != held_out.METRIC or first.base == second.base:
            same.append(metric)
    return same


def _setting(side: Side, measured: Measured) -> tuple[Any, ...]:
    """All that must be alike but the number of items; the limit on answers does not touch a loss."""
    known = {**asdict(measured), "items": 0}
    asked = None if measured.file == held_out.METRIC else side.settings.get(measured.suite)
    return (*known.values(), asked)


def _known(
    scores: Mapping[str, Scores], measured: Mapping[str, Measured]
) -> tuple[Mapping[str, Scores], dict[str, str]]:
    left, gaps = assessed({MODEL: scores}, measured)
    return left[MODEL], {metric: by[MODEL] for metric, by in gaps.items()}


def _questions(table: pa.Table) -> dict[str, Asked]:
    rows = table.select(["id", "prompt", "references"]).to_pylist()
    return {row["id"]: Asked(row["prompt"], tuple(row["references"] or ())) for row in rows}
