"""The task of the split."""

import json
import shutil
from pathlib import Path

from tasks.run import Run
from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.released import read_index, standing_index


def sides(artifact) -> dict[str, str]:
    table = artifact.table(["id", "side"])
    return dict(zip(table["id"].to_pylist(), table["side"].to_pylist(), strict=True))


def test_the_sides_are_drawn_among_what_dedup_kept_by_the_configs_shares(ended: Ended) -> None:
    found = sides(ended.artifact("split"))
    assert len(found) == ended.artifact("dedup").manifest.counts.rows_out
    assert 0.2 < list(found.values()).count("test") / len(found) < 0.4


def test_another_seed_draws_other_sides(ended: Ended, told: Told, tmp_path: Path) -> None:
    run = plan_run(ended.config, told, "seed=4", f"store={tmp_path}")
    walk(run, last="split")
    assert sides(run.artifact("split")) != sides(ended.artifact("split"))


def test_a_refresh_after_a_release_moves_no_row_and_another_learning_rate_makes_no_data_again(
    ended: Ended, told: Told, tmp_path: Path
) -> None:
    before = sides(ended.artifact("mixture"))
    index = read_index(ended.run.plan.store, standing_index(ended.run.plan.store, "tiny").index)
    assert index.ids.to_pylist() == sorted(before)
    tuned = plan_run(ended.config, told, "train.learning_rate=0.002")
    assert {outcome.name for outcome in walk(tuned, last="render").values()} == {"Cached"}
    folder = shutil.copytree(ended.config.parent, tmp_path / "copy")
    row = {"instruction": "An altogether new question about the sea?", "output": "An altogether new answer."}
    with (folder / "rows.jsonl").open("a") as stream:
        stream.write("\n" + json.dumps(row) + "\n")
    refreshed = plan_run(folder / "config.yaml", told, "seed=9")
    walk(refreshed, last="split")
    after = sides(refreshed.artifact("split"))
    assert before.items() <= after.items()
    assert len(after) == len(sides(ended.artifact("split"))) + 1
    resumed = plan_run(folder / "config.yaml", told, "seed=9")
    assert resumed.plan.record.released == refreshed.plan.record.released == index_key(refreshed)


def index_key(run: Run) -> str:
    return run.plan.specs["split"].consulted[0].key
