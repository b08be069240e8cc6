"""The task of the quality rules."""

from pathlib import Path

from tests.tasks.conftest import Told, plan_run, walk, write_two_sources


def test_the_configs_way_with_personal_data_is_the_one_taken(told: Told, tmp_path: Path, tiny_model: Path) -> None:
    config = write_two_sources(tmp_path, tiny_model)
    with (tmp_path / "rows.jsonl").open("a") as rows:
        rows.write('\n{"instruction": "How do I reach the harbour?", "output": "Write to jo.bloggs@example.org"}')
    kept = {}
    for way in ("mask", "reject"):
        run = plan_run(config, told, f"quality.pii={way}", "split.test=0.0")
        walk(run, last="quality")
        kept[way] = run.artifact("quality").manifest.counts.rows_out
        assert run.artifact("quality").manifest.counts.rows_in == run.artifact("split").manifest.counts.rows_out
    assert kept["mask"] == kept["reject"] + 1


def test_the_configs_own_rules_and_transforms_are_the_stages(told: Told, tmp_path: Path, tiny_model: Path) -> None:
    config = write_two_sources(tmp_path, tiny_model)
    (tmp_path / "mine.py").write_text(
        "def transform(row):\n    row['messages'][-1]['content'] = 'x'\n    return row\n", "utf-8"
    )
    rule = "quality.more=[{name: too short, value: answer_characters, min: 2}]"
    run = plan_run(config, told, rule, "quality.transforms=[mine.py]")
    walk(run, last="quality")
    quality = run.artifact("quality")
    assert quality.manifest.reasons["too short"] == quality.manifest.counts.rows_in == quality.stats["edited"]["mine"]
