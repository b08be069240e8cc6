"""`tuneloom run`, as far as no server is needed: wrong calls, and a run with nothing to do."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def error_of(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> dict:
    """The JSON error of a run that is called wrongly."""
    assert main(["run", *arguments, "--json"]) == 2
    return json.loads(capsys.readouterr().out)["error"]


def test_a_misspelt_key_suggests_the_right_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, [str(config), "--set", "trian.rank=4"])
    assert "`trian`" in error["what"]
    assert "`train`" in error["remedy"]


def test_a_missing_source_names_file_and_key(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "rows.json").unlink()
    error = error_of(capsys, [str(config)])
    assert "rows.json" in error["what"] + error["where"]
    assert "sources" in error["where"]
    assert error["remedy"]


def test_a_missing_config_leaves_no_folder_behind(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no config file" in error_of(capsys, [str(config.parents[1] / "config.yaml")])["what"]
    assert [path.name for path in config.parents[1].iterdir()] == ["project"]


def test_an_unknown_model_suggests_the_known_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = error_of(capsys, [str(config), "--set", "model=smolm2-135m-instruct"])
    assert "smolm2-135m-instruct" in error["what"]
    assert "smollm2-135m-instruct" in error["remedy"]


def test_an_unknown_stage_lists_the_stages(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "dedup" in error_of(capsys, [str(config), "--until", "dedupe"])["remedy"]


@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_limit_below_1_is_a_wrong_call(config: Path, capsys: pytest.CaptureFixture[str], limit: str) -> None:
    error = error_of(capsys, [str(config), "--limit", limit])
    assert "--limit" in error["what"]
    assert repr(limit) in error["what"]


def test_a_home_that_cannot_be_made_is_a_clear_error(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "file").write_text("")
    error = error_of(capsys, [str(config), "--home", str(config.parent / "file" / "home")])
    assert "cannot be created" in error["what"]


def test_a_folder_without_write_permission_is_a_clear_error(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    error = error_of(capsys, [str(config)])
    assert "Permission denied" in error["what"]
    assert ".tuneloom" in error["where"]


def test_a_run_with_nothing_to_do_says_so_and_starts_nothing(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_data_stages(plan_to_run(options(config=config), print))
    monkeypatch.setattr("subprocess.Popen", None)
    assert main(["run", str(config), "--until", "split"]) == 0
    told = capsys.readouterr().out
    assert "Nothing to do" in told
    assert "1 exact duplicate" in told
    assert main(["run", str(config), "--until", "split", "--json"]) == 0
    captured = capsys.readouterr()
    assert [stage["cached"] for stage in json.loads(captured.out)["stages"]] == [True] * 3
    assert "Nothing to do" in captured.err
