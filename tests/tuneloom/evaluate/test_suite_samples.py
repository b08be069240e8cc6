"""A suite's questions with what every model said."""

from pathlib import Path

import pyarrow as pa

from tuneloom.evaluate.items import SAMPLES
from tuneloom.evaluate.outputs import OUTPUTS
from tuneloom.evaluate.questions import Wanted, said
from tuneloom.evaluate.suite_samples import suite_samples
from tuneloom.suites import load_suites

WANTED = [Wanted(name, [said("user", f"ask {name}")], ("yes",), name, "mood_en", language="en") for name in "ba"]


def outputs(**more: object) -> pa.Table:
    rows = [
        {"suite": suite, "model": model, "id": row_id, "state": "answered", "output": f"{model} {row_id}", **more}
        for suite in ("mood_en", "other")
        for model in ("base", "tuned")
        for row_id in "ab"
    ]
    return pa.Table.from_pylist(rows, schema=OUTPUTS)


def test_what_the_models_said_to_a_suite_stands_side_by_side() -> None:
    (suite,) = load_suites(["mood_en"], Path())
    table = suite_samples(suite, WANTED, outputs())
    assert table.schema == SAMPLES
    first, second = table.to_pylist()
    assert (first["id"], first["prompt"], first["base"], first["tuned"]) == ("a", "ask a", "base a", "tuned a")
    assert (first["suite"], first["champion"], second["id"]) == ("mood_en", None, "b")
