"""Scores by task, category and language: the parts of a whole, and nothing where there is one part."""

import pyarrow as pa
import pytest

from tests.tuneloom.evaluate.test_gate import MEASURED, plan_of
from tuneloom.evaluate.breakdown import breakdown
from tuneloom.evaluate.items import ITEMS


def items(values: dict[str, list[float]]) -> pa.Table:
    rows = [
        {
            "model": model, "metric": "loss", "id": f"{i}", "task": f"t{i % 2}", "category": "all",
            "language": "zh" if i < 3 else None, "value": value, "suite": "held_out",
        }
        for model, scores in values.items()
        for i, value in enumerate(scores)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, ITEMS)


def test_each_task_has_its_scores_difference_and_interval():
    table = items({"base": [2.0, 3.0, 2.5, 3.5], "tuned": [1.0, 3.5, 1.0, 3.75]})
    found = breakdown(table, "base", plan_of(measured={"loss": MEASURED["loss"]}), {})
    first, second = found["task"]["loss"]["t0"], found["task"]["loss"]["t1"]
    assert (first["n"], first["base"], first["tuned"]) == (2, 2.25, 1.0)
    assert (first["difference"], second["difference"]) == pytest.approx((-1.25, 0.375))
    assert first["low"] < -1.25 < first["high"]
    assert found["category"] == found["language"] == found["labels"] == {}
