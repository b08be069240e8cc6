"""The run on this machine: its server is waited for, drained after a run, and stopped whatever happens."""

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import local_run
from flows.console import TerminalReporter
from tests.flows.test_refresh import write_project
from tuneloom.artifacts import Writer
from tuneloom.config import Source
from tuneloom.config_file import load_config
from tuneloom.errors import TrainingError
from tuneloom.plan import Plan, make_plan


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the server, in order; no server is started, and nothing is imported ahead."""
    calls: list[str] = []
    server = SimpleNamespace(
        standing=False,
        wait_ready=lambda: calls.append("ready"),
        drain=lambda runs, expected: calls.append(f"drain {runs} {expected}"),
        stop=lambda: calls.append("stop"),
    )
    monkeypatch.setattr(local_run.EmbeddedServer, "start", lambda home, say: calls.append("start") or server)
    monkeypatch.setattr(local_run, "reconcile", lambda server: ["an old run"])
    monkeypatch.setattr(local_run, "_import_ahead", lambda plan, until: None)
    return calls


@pytest.fixture
def plan(tmp_path: Path, tiny_model: Path) -> Plan:
    return make_plan(load_config(write_project(tmp_path, tiny_model)), tmp_path)


def test_a_run_is_drained_of_a_task_run_a_stage_and_then_the_server_is_stopped(
    plan: Plan, calls: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_run, "_run_flow", lambda *_: calls.append("flow") or "id")
    _, found = local_run.run_here(plan, "split", TerminalReporter())
    assert calls == ["start", "ready", "flow", "drain ['id'] 3", "stop"]
    assert found == {"ingest": None, "dedup": None, "split": None}
    assert "an old run was left running by a process that died" in capsys.readouterr().out


def test_what_was_there_before_is_told_as_reused_and_what_was_made_is_not(
    plan: Plan, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_rows(writer: Writer) -> None:
        writer.count(rows_in=0)

    def flow(*_: object) -> str:
        plan.store.ensure(plan.specs["dedup"], no_rows)
        return "id"

    file = plan.store.ensure(plan.files[0].spec, no_rows)
    member = (file.reference, file.manifest.counts, {})
    plan.store.ensure(plan.specs["ingest"], lambda writer: writer.union([member]))
    monkeypatch.setattr(local_run, "_run_flow", flow)
    _, found = local_run.run_here(plan, "dedup", TerminalReporter())
    assert {stage: artifact.reused for stage, artifact in found.items() if artifact} == {"ingest": True, "dedup": False}


def test_a_flow_that_fails_is_not_drained_and_its_server_is_stopped(
    plan: Plan, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise TrainingError("the loss ran away")

    monkeypatch.setattr(local_run, "_run_flow", fail)
    with pytest.raises(TrainingError):
        local_run.run_here(plan, "split", TerminalReporter())
    assert calls == ["start", "ready", "stop"]


@pytest.mark.parametrize(
    ("model", "path", "offline"), [("", "a.jsonl", "1"), ("o/n", "a.jsonl", None), ("", "hub:o/n", None)]
)
def test_only_a_model_or_a_source_of_the_hub_lets_the_run_go_online(
    plan: Plan, calls: list[str], monkeypatch: pytest.MonkeyPatch, model: str, path: str, offline: str | None
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    seen = []
    monkeypatch.setattr(local_run, "_run_flow", lambda *_: seen.append(os.environ.get("HF_HUB_OFFLINE")) or "id")
    monkeypatch.setattr(local_run, "make_plan", lambda *_, **__: plan)
    changed = {"sources": [Source(name="s", path=path)], "model": model or plan.config.model}
    local_run.run_here(replace(plan, config=plan.config.model_copy(update=changed)), "ingest", TerminalReporter())
    assert seen == [offline]
