"""`tuneloom plan`: what would run and why; it changes nothing."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.cli import main
from flows.commands import plan as command
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages
from tests.tuneloom.test_changes import ran
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
    assert found["files"] == {
        "new": ["rows:rows.json"], "changed": [], "gone": [], "renamed": [], "read": ["rows:rows.json"], "reused": 0
    }  # fmt: skip
    assert found["seconds_unknown_for"] == ["train", "evaluate", "release", "report"]
    assert found["free_bytes"] > found["disk_bytes"] > 0
    assert found["without_license"] == ["rows"]
    assert found["training"]["micro_batch_tokens"] > 0
    assert found["training"]["memory_bytes"] is None or found["training"]["memory_bytes"] > 0
    assert main(["plan", str(config)]) == 0
    told = capsys.readouterr().out
    assert "not known before a first run" in told
    assert "training  " in told
    assert "tokens at a time: " in told
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_there_is_reused_and_what_changed_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_project(tmp_path)
    run_data_stages(plan_to_run(options(config=config), print))
    found = planned(capsys, str(config))
    assert [line["stage"] for line in found["stages"] if line["reused"]] == ["ingest", "dedup", "split"]
    assert (found["files"]["read"], found["files"]["reused"]) == ([], 1)
    changed = planned(capsys, str(config), "--set", "dedup.near=null")
    assert [line["stage"] for line in changed["stages"] if line["reused"]] == ["ingest"]


def test_where_all_is_there_it_says_that_there_is_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_project(tmp_path)
    made = run_data_stages(plan_to_run(options(config=config), print))
    monkeypatch.setattr(Plan, "reusable", lambda plan, until: iter(made.items()))
    assert main(["plan", str(config)]) == 0
    told = capsys.readouterr().out
    assert "nothing to do" in told
    assert "first run" not in told
    found = planned(capsys, str(config))
    assert (found["seconds"], found["disk_bytes"]) == (0, 0)


def test_a_limit_is_another_run_and_the_same_limit_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(make_project(tmp_path))
    runs = [planned(capsys, config, *more)["run"] for more in ([], ["--limit", "5"], ["--limit", "5"])]
    assert runs[0] != runs[1] == runs[2]


def test_files_that_changed_since_the_last_run_are_named_the_first_of_each_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_project(tmp_path, sources=[{"name": "s", "path": "*.json"}])
    (tmp_path / "gone.json").write_text("[]")
    ran(config)
    (tmp_path / "gone.json").unlink()
    (tmp_path / "rows.json").write_text('[{"instruction": "a", "output": "b"}]')
    for number in range(7):
        (tmp_path / f"{number}.json").write_text(f"[{number}]")
    assert main(["plan", str(config)]) == 0
    told = capsys.readouterr().out.splitlines()
    at = told.index("files     8 in all: 7 new, 1 changed, 1 gone since the last run; 8 to read, 0 reused")
    assert told[at + 1 : at + 4] == [
        "  new     s:0.json, s:1.json, s:2.json, s:3.json, s:4.json and 2 more",
        "  changed s:rows.json",
        "  gone    s:gone.json",
    ]
    assert told[0].endswith("and 5 more")


def test_a_disk_without_the_room_is_told_and_so_are_sources_without_a_licence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_project(tmp_path, licenses={"allow": ["MIT"]})
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=5_000_000))
    assert main(["plan", str(config)]) == 0
    told = capsys.readouterr().out
    assert "of 5 MB free -- NOT ENOUGH: the run would be refused" in told
    assert "none is named for rows; rows without one of their own are rejected (licenses.allow)" in told


def test_a_plan_until_a_stage_tells_of_no_later_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_project(tmp_path)
    found = planned(capsys, str(config), "--until", "split")
    assert [line["stage"] for line in found["stages"]] == ["ingest", "dedup", "split"]
    assert found["seconds_unknown_for"] == []
    assert main(["plan", str(config), "--until", "splits"]) == 2


@pytest.mark.parametrize(("seconds", "text"), [(11.3, "11 s"), (130, "2 min"), (8000, "2.2 h")])
def test_times_read_as_people_say_them(seconds: float, text: str) -> None:
    assert command._duration(seconds) == text


def test_a_base_model_without_a_chat_template_is_told_what_it_gets(
    tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = make_project(tmp_path)
    shutil.copytree(tiny_model, tmp_path / "base")
    assert main(["plan", str(config), "--set", f"model={tmp_path / 'base'}"]) == 0
    assert "chat template" not in capsys.readouterr().out
    (tmp_path / "base" / "chat_template.jinja").unlink()
    assert main(["plan", str(config), "--set", f"model={tmp_path / 'base'}"]) == 0
    assert "no chat template: ChatML is used, its tokens are in the vocabulary" in capsys.readouterr().out
