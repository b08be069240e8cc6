"""The task of the split."""

from pathlib import Path

from tests.tasks.conftest import Ended, Told, plan_run, walk


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
