"""Looking for new files, and cleaning up: the flows' own steps, without a server."""

import logging
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows import upkeep
from flows.upkeep import cleanup, watch
from tests.tuneloom.test_retention import Project


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was started; each of one key once, as Prefect does it."""
    found: dict[str, dict[str, Any]] = {}

    def start(name: str, **given: Any) -> SimpleNamespace:
        found.setdefault(given["idempotency_key"], {"name": name, **given})
        return SimpleNamespace(name="quiet-loom")

    monkeypatch.setattr(upkeep, "run_deployment", start)
    monkeypatch.setattr(upkeep, "get_run_logger", lambda: logging.getLogger("test"))
    monkeypatch.setattr(upkeep, "claim_this_run", lambda: None)
    return found.values()  # type: ignore[return-value]


def rest(project: Project, seconds: float = 120) -> None:
    """Lets the sources' files lie for so long."""
    for path in project.folder.glob("*.json"):
        os.utime(path, (when := time.time() - seconds, when))


def test_new_files_start_one_run_however_often_they_are_seen(tmp_path: Path, started: list[dict[str, Any]]) -> None:
    project = Project(tmp_path / "p")
    rest(project)
    for _ in range(2):
        assert watch.fn(str(project.config)).name == "Started"
    (once,) = started
    assert (once["name"], once["timeout"]) == ("scheduled-refresh/refresh", 0)
    assert once["parameters"]["config"] == str(project.config)
    (project.folder / "rows.json").write_text("[]")
    rest(project)
    assert watch.fn(str(project.config)).name == "Started"
    assert len(started) == 2


def test_where_every_file_was_read_nothing_is_started(tmp_path: Path, started: list[dict[str, Any]]) -> None:
    project = Project(tmp_path / "p")
    project.run()
    assert watch.fn(str(project.config)).name == "NothingNew"
    assert not started


@pytest.mark.parametrize(("age", "name"), [(1, "StillWritten"), (-3600, "Started"), (61, "Started")])
def test_a_file_on_its_way_is_waited_for_but_not_one_from_the_future(
    tmp_path: Path, started: list[dict[str, Any]], age: float, name: str
) -> None:
    project = Project(tmp_path / "p")
    rest(project, age)
    assert watch.fn(str(project.config)).name == name


@pytest.mark.parametrize("dry", [True, False])
def test_a_cleanup_tells_and_removes_only_when_told_to(
    tmp_path: Path, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, dry: bool
) -> None:
    pages: dict[str, str] = {}
    monkeypatch.setattr(upkeep, "create_markdown_artifact", lambda key, markdown: pages.update({key: markdown}))
    project = Project(tmp_path / "p")
    project.run()
    project.run()
    told = cleanup.fn(str(project.config), keep=1, dry_run=dry)
    assert len(told["artifacts"]) == 4
    assert ("Nobody refers to" if dry else "Removed") in pages["cleanup"]
    assert bool(project.look()) == dry
