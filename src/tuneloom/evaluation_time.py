"""How much longer or shorter an evaluation takes than the last one did, by what is asked: rows, suites and limits.

A rough measure, for `plan`: an answer counts by the tokens it may have, a loss or a ranked label as a few of them.
"""

import json

from tuneloom.artifacts import Artifact
from tuneloom.config import Evaluate
from tuneloom.plan import Plan
from tuneloom.suites import Suite

SCORED = 8
"""Tokens of an answer that take about as long as one row's loss, or one label's likelihood."""


def times_as_long(plan: Plan, last: Artifact) -> float:
    """Work of this plan's evaluation over that of the last one; a suite that is no longer known counts by its rows."""
    champion = plan.record.champion is not None
    now = _own(plan.config.evaluate) + sum(_suite(one, len(one.rows)) for one in plan.suites)
    spec = last.manifest.spec
    sets = json.loads(last.path("plan.json").read_text("utf-8"))["sets"]
    before = _own(Evaluate.model_validate(spec["config"]["evaluate"]))
    known = {one.name: one for one in plan.suites}
    for name in spec["inputs"].get("suites", {}):
        rows = sets[name]["items"]
        before += _suite(known[name], rows) if name in known else rows * SCORED
    models = (2 + champion) / (2 + (spec["inputs"].get("champion") is not None))
    return models * now / before


def _own(config: Evaluate) -> float:
    return config.loss_rows * SCORED + config.generate_rows * config.max_new_tokens


def _suite(suite: Suite, rows: int) -> float:
    labels = len(suite.labels) if any(reading != "generated" for reading in suite.readings) else 0
    written = suite.max_new_tokens if "generated" in suite.readings else 0
    return rows * (labels * SCORED + written)
