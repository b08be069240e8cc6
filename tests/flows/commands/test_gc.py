"""`gc` tells first; takes away with --yes; never beside a run."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.commands import gc
from tests.tuneloom.test_retention import Project
from tuneloom.artifacts.locks import lock


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.run()
    made.run()
    return made


def test_without_yes_it_tells_and_changes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(project.home.rglob("*"))
    assert main(["gc", str(project.config), "--keep", "1"]) == 0
    said = capsys.readouterr().out
    assert "Nobody refers to: 4 artifacts" in said
    assert "add --yes" in said
    assert sorted(project.home.rglob("*")) == before


def test_with_yes_it_is_gone_and_the_object_says_what(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gc", str(project.config), "--keep", "1", "--yes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["removed"]
    assert len(told["artifacts"]) == 4
    assert told["kept"]["runs"] == 1
    assert main(["gc", str(project.config), "--keep", "1"]) == 0
    assert "Nothing else is there" in capsys.readouterr().out


def test_beside_a_run_nothing_is_removed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "LONGEST_WAIT", 0.0)
    before = [str(manifest.reference) for manifest in project.store.manifests()]
    with lock(project.home / "locks" / "run.lock", "a run"):
        assert main(["gc", str(project.config), "--keep", "1", "--yes"]) == 1
    assert [str(manifest.reference) for manifest in project.store.manifests()] == before
