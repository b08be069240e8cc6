"""The task of deduplication."""

from pathlib import Path

import pytest

from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.approvals import approve
from tuneloom.errors import BudgetExceeded, WaitingForPerson


def test_the_row_of_the_source_with_the_higher_priority_survives(ended: Ended) -> None:
    rejected = ended.artifact("dedup").rejected().to_pylist()
    assert [row["reason"] for row in rejected] == ["exact duplicate"] * 2
    assert {row["origin"]["source"] for row in rejected} == {"rows"}
    assert {row["duplicate_of"]["source"] for row in rejected} == {"twins"}


def test_it_reads_what_ingestion_kept(ended: Ended) -> None:
    assert ended.artifact("dedup").manifest.counts.rows_in == ended.artifact("ingest").manifest.counts.rows_out == 132


def test_a_budget_stops_the_run_and_leaves_what_is_to_be_looked_at(
    ended: Ended, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found or made: the artifact is there, and raising the budget does not make it again."""
    monkeypatch.setattr("tuneloom.dedup.budget.FEW", 0)
    run = plan_run(ended.config, told, "budgets.source_loss=0.001", f"store={tmp_path}")
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match="the source rows lost 2 of its"):
            walk(run, last="dedup")
    raised = plan_run(ended.config, told, "budgets.source_loss=0.9", f"store={tmp_path}")
    assert walk(raised, last="dedup")["dedup"].name == "Cached"


def test_a_budget_that_asks_waits_for_a_person_and_goes_on_once_one_approved(
    ended: Ended, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The approval is of this overrun of this artifact: a lower budget, by which another source is over, asks again."""
    monkeypatch.setattr("tuneloom.dedup.budget.FEW", 0)
    settings = ("budgets.source_loss=0.001", "budgets.on_breach=ask", f"store={tmp_path}")
    run = plan_run(ended.config, told, *settings)
    for _ in range(2):
        with pytest.raises(WaitingForPerson, match="the source rows lost 2 of its"):
            walk(run, last="dedup")
    approve(run.plan.store, run.plan.record.identity, "Ada", "2026-11-24", "the twins are meant")
    assert walk(plan_run(ended.config, told, *settings), last="dedup")["dedup"].name == "Cached"
    with pytest.raises(WaitingForPerson, match="one cluster"):
        walk(plan_run(ended.config, told, *settings, "budgets.largest_cluster=0.001"), last="dedup")


def test_a_large_cluster_is_said_aloud(ended: Ended, told: Told, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tuneloom.dedup.describe.FEW", 2)
    walk(plan_run(ended.config, told, f"store={tmp_path}"), last="dedup")
    assert [line for line in told.lines if line.startswith("dedup: 2 rows (1.5%) resemble twins:twins.jsonl:")]
