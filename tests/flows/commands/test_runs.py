"""`tuneloom runs`, `promote` and `rollback`, as they are typed."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from tests.flows.test_refresh import write_project
from tests.tasks.conftest import listen, plan_run, walk


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config that nothing ran of."""
    return write_project(tmp_path, tiny_model)


def test_nothing_ran(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(config.parent / ".tuneloom"), "runs"]) == 2
    assert "nothing ran here yet" in capsys.readouterr().err


def test_a_run_is_listed_then_promoted_by_hand_and_there_is_nothing_to_roll_back_to(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(config.parent / ".tuneloom")]
    run = plan_run(config, listen(monkeypatch))
    walk(run)
    run.complete()
    note = {"config": str(config), "overrides": [], "limit": None, "store": run.plan.store.url}
    (config.parent / ".tuneloom/last.json").write_text(json.dumps(note))

    assert main([*home, "runs", "--json"]) == 0
    (line,) = json.loads(capsys.readouterr().out)["runs"]
    assert (line["name"], line["came_to"], line["model"]) == (run.plan.config.name, "the end", "models:/tiny/1")
    assert main([*home, "runs"]) == 0
    told = capsys.readouterr().out
    assert f"{line['verdict']}" in told
    assert "report.html" in told

    page = run.artifact("report").path("report.html")
    assert line["report"] == str(page)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert main([*home, "runs", "--open", "last"]) == 0
    assert opened == [page.as_uri()]
    assert main([*home, "runs", "--open", "ffff"]) == 2
    capsys.readouterr()

    if not line["promoted"]:
        assert main([*home, "promote", "models:/tiny/1"]) == 2
        assert "the gate's verdict on version 1 is" in capsys.readouterr().err
    assert main([*home, "promote", "models:/tiny@candidate", "--override", "for the test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["after"] == 1
    assert main([*home, "rollback", "tiny", "--reason", "no good"]) == 2
    assert "there is no champion of tiny before version 1" in capsys.readouterr().err
