"""`tuneloom plan`: what would run and why; it changes nothing."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.commands import plan as command
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages
from tuneloom.plan import STAGES, Plan


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["plan", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_before_a_run_every_stage_would_run_and_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_project(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = planned(capsys, str(config))
    assert {line["stage"]: line["why"] for line in found["stages"]}["ingest"] == "never ran"
    assert [line["reused"] for line in found["stages"]] == [False] * len(STAGES)
    assert found["new_files"] == ["rows:rows.json"]
    assert found["seconds"] is None
    assert found["free_bytes"] > 0
    assert main(["plan", str(config)]) == 0
    assert "not known before a first run" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_there_is_reused_and_what_changed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_project(tmp_path)
    run_data_stages(plan_to_run(options(config=config), print))
    found = planned(capsys, str(config))
    assert [line["stage"] for line in found["stages"] if line["reused"]] == ["ingest", "dedup", "split"]
    assert found["new_files"] == []
    assert found["disk_bytes"] == 0
    changed = planned(capsys, str(config), "--set", "dedup.near=null")
    assert [line["stage"] for line in changed["stages"] if line["reused"]] == ["ingest"]


def test_where_all_is_there_it_says_that_there_is_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_project(tmp_path)
    made = run_data_stages(plan_to_run(options(config=config), print))
    monkeypatch.setattr(Plan, "reusable", lambda plan: iter(made.items()))
    assert main(["plan", str(config)]) == 0
    told = capsys.readouterr().out
    assert "nothing to do" in told
    assert "first run" not in told
    assert planned(capsys, str(config))["seconds"] == 0


def test_a_limit_is_another_run_and_the_same_limit_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(make_project(tmp_path))
    runs = [planned(capsys, config, *more)["run"] for more in ([], ["--limit", "5"], ["--limit", "5"])]
    assert runs[0] != runs[1] == runs[2]


def test_only_the_first_new_files_are_named(tmp_path: Path) -> None:
    plan = plan_to_run(options(config=make_project(tmp_path)), print)
    assert command._named([]) == ""
    assert command._named(list(plan.files)) == ": rows:rows.json"
    assert command._named(list(plan.files) * 7).endswith("and 2 more")
