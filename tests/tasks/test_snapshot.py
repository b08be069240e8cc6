"""What a run says of its data before it trains."""

import json
from pathlib import Path

from tests.flows.test_refresh import write_project
from tests.tasks.conftest import Told, plan_run, walk
from tuneloom.runs import find_run


def test_a_refresh_says_what_is_new_since_the_last_run_and_the_first_says_nothing(
    told: Told, tmp_path: Path, tiny_model: Path
) -> None:
    config = write_project(tmp_path, tiny_model)
    first = plan_run(config, told)
    walk(first, last="mixture")
    assert not [line for line in told.lines if line.startswith("data")]
    with (tmp_path / "rows.jsonl").open("a") as stream:
        row = {"instruction": "An altogether new question about the sea?", "output": "An altogether new answer."}
        stream.write("\n" + json.dumps(row) + "\n")
    second = plan_run(config, told)
    walk(second, last="mixture")
    at = next(place for place, line in enumerate(told.lines) if line.startswith("data since the last run of"))
    assert "1 added" in told.lines[at + 1]
    assert [(row["change"], row["rows"], row["why"]) for row in told.tables["changes"]] == [
        ("added", 1, "new in its file")
    ]
    assert find_run(second.plan.store, "last").identity == second.plan.record.identity
