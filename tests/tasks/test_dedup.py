"""The task of deduplication."""

from pathlib import Path

import pytest

from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.errors import BudgetExceeded


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


def test_a_large_cluster_is_said_aloud(ended: Ended, told: Told, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tuneloom.dedup.describe.FEW", 2)
    walk(plan_run(ended.config, told, f"store={tmp_path}"), last="dedup")
    assert [line for line in told.lines if line.startswith("dedup: 2 rows (1.5%) resemble twins:twins.jsonl:")]
