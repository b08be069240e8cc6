"""The last words of a run, for a person and for a script."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from flows.console import TerminalReporter
from flows.outcome import outcome_json, print_outcome
from flows.project import plan_to_run
from tests.flows.projects import decide, make_project, options, run_data_stages
from tuneloom.artifacts import Artifact
from tuneloom.plan import Plan


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, dict[str, Artifact | None]]:
    """A run that came to a verdict; the stages between are left out."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    plan = plan_to_run(options(config=make_project(tmp_path)), print)
    return plan, {**run_data_stages(plan), "quality": None, **decide(plan.store)}


def printed(plan: Plan, found: dict[str, Artifact | None]) -> str:
    reporter = TerminalReporter()
    reporter.console = Console(file=io.StringIO(), width=120, soft_wrap=True, highlight=False)
    print_outcome(plan, found, reporter, options(config=plan.folder / "config.yaml"))
    return reporter.console.file.getvalue()  # type: ignore[attr-defined]


def test_a_person_reads_stages_metrics_verdict_and_what_to_type_next(ended: tuple) -> None:
    told = printed(*ended)
    assert "1 exact duplicate" in told
    assert "base 3  tuned 2  difference -1 [-1.2, -0.8]" in told
    assert "verdict      promote; models:/m/1 was promoted to champion" in told
    assert " chat models:/tuneloom@champion" in told
    assert "more         " in told


def test_what_a_run_did_not_come_to_is_not_told(ended: tuple) -> None:
    plan, found = ended
    told = printed(plan, {"ingest": found["ingest"]})
    for word in ("verdict", "report ", "MLflow", "Prefect", " chat "):
        assert word not in told
    assert " show ingest" in told


def test_a_script_reads_one_object_with_every_key_of_the_contract(ended: tuple) -> None:
    plan, found = ended
    told = json.loads(outcome_json(plan, found))
    assert set(told) == {"run", "stages", "metrics", "model", "verdict", "promoted", "report"}
    assert (told["run"], told["verdict"], told["promoted"]) == (plan.record.identity, "promote", True)
    assert [stage["stage"] for stage in told["stages"]] == ["ingest", "dedup", "split", "evaluate", "release"]
    assert told["report"] is None
    assert told["stages"][-1]["rows_in"] is None
    early = json.loads(outcome_json(plan, {"ingest": found["ingest"]}))
    assert (early["metrics"], early["verdict"], early["promoted"]) == ({}, None, None)
