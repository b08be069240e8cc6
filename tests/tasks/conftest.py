"""Stages run as plain functions, without a Prefect server: what they would tell it is kept, and can be looked at."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.refresh import STAGES as TASKS
from tasks.run import Run, reporting_to
from tasks.tracking import tracked
from tests.flows.test_refresh import write_project
from tuneloom.artifacts import Artifact
from tuneloom.config_file import load_config
from tuneloom.plan import make_plan


@dataclass
class Told:
    """What Prefect would have been told, and what a person at the terminal: it is the run's reporter, too."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    percent: list[float] = field(default_factory=list)
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.lines.append(text)

    def begin(self, stage: str) -> None:
        self.lines.append(f"begin {stage}")

    def progress(self, stage: str, what: str, done: int, total: int) -> None:
        self.lines.append(f"{stage} {what} {done}/{total}")

    def end(self, stage: str, artifact: Artifact) -> None:
        self.lines.append(f"end {stage}")


def listen(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Puts a `Told` in Prefect's place."""
    told = Told()

    def keep_progress(progress: float, **_: Any) -> str:
        told.percent.append(progress)
        return "id"

    def keep_page(key: str, markdown: str) -> None:
        told.pages[key] = markdown

    def keep_event(event: str, resource: dict[str, str], payload: dict[str, Any]) -> None:
        told.events.append((event, resource["prefect.resource.id"], payload))

    monkeypatch.setattr("tasks.stage.get_run_logger", logging.getLogger)
    monkeypatch.setattr("tasks.stage.create_table_artifact", lambda key, table, **_: told.tables.update({key: table}))
    monkeypatch.setattr("tasks.stage.create_progress_artifact", keep_progress)
    monkeypatch.setattr("tasks.stage.update_progress_artifact", keep_progress)
    monkeypatch.setattr("tasks.report.create_markdown_artifact", keep_page)
    monkeypatch.setattr("tasks.drift.create_markdown_artifact", keep_page)
    monkeypatch.setattr("tasks.events.emit_event", keep_event)
    return told


def plan_run(config: Path, told: Told, *overrides: str, home: Path | None = None) -> Run:
    """A run of the config that speaks to `told`."""
    with reporting_to(told):
        return Run(make_plan(load_config(config, overrides), config.parent, home=home, say=told.say))


def walk(run: Run, first: str = "ingest", last: str = "report") -> dict[str, Any]:
    """Runs the stages from `first` to `last`; what each task returned."""
    names = [task.name for task in TASKS]
    chosen = TASKS[names.index(first) : names.index(last) + 1]
    with tracked(run):
        return {task.name: task.fn(run, *([] if task.name == "ingest" else [None])) for task in chosen}


def write_two_sources(folder: Path, model: Path) -> Path:
    """`write_project`, and a second source of higher priority that repeats its first two rows."""
    config = write_project(folder, model)
    first_two = (folder / "rows.jsonl").read_text().splitlines()[:2]
    (folder / "twins.jsonl").write_text("\n".join(first_two))
    tree = yaml.safe_load(config.read_text())
    tree["sources"].append({"name": "twins", "path": "twins.jsonl", "priority": 5})
    tree.update(seed=3, mixture={"weights": {"twins": 3}}, quality={"pii": "reject"})
    config.write_text(yaml.safe_dump(tree))
    return config


@dataclass(frozen=True)
class Ended:
    """A pipeline that ran to its end: the run, what each task returned, and what was told."""

    config: Path
    run: Run
    outcomes: dict[str, Any]
    told: Told

    def artifact(self, stage: str) -> Artifact:
        return self.run.artifact(stage)


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Ended:
    """Ran once; tests look at it, and find everything in its store. Whoever changes it works on a copy."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        told = listen(monkeypatch)
        config = write_two_sources(tmp_path_factory.mktemp("ended"), tiny_model)
        run = plan_run(config, told)
        outcomes = walk(run)
        run.complete()
    return Ended(config, run, outcomes, told)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What this test's tasks tell."""
    return listen(monkeypatch)


@pytest.fixture
def again(ended: Ended, told: Told) -> Run:
    """The same run once more, with nothing to do."""
    return plan_run(ended.config, told)
