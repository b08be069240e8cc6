"""The task of human review."""

from dataclasses import replace
from pathlib import Path

from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.review.decisions import add_decisions
from tuneloom.review.sheet import read_sheet, write_sheet


def test_by_default_nothing_is_held(ended: Ended) -> None:
    counts = ended.artifact("review").manifest.counts
    assert (counts.held, counts.rejected) == (0, 0)
    assert counts.rows_in == counts.rows_out == ended.artifact("quality").manifest.counts.rows_out


def test_held_rows_go_out_come_back_decided_and_survive_a_refresh(ended: Ended, told: Told, tmp_path: Path) -> None:
    more = ("review.sample=5", f"review.decisions={tmp_path / 'decisions.jsonl'}")
    run = plan_run(ended.config, told, *more)
    walk(run, "review", "mixture")
    held = run.artifact("review")
    assert held.manifest.counts.held == 5
    assert run.artifact("mixture").manifest.counts.rows_in == held.manifest.counts.rows_out
    assert {"rows": "held", "count": 5} in told.tables["review"]

    assert write_sheet(held, tmp_path / "sheet.jsonl") == 5
    sheet = (
        (tmp_path / "sheet.jsonl")
        .read_text()
        .replace('"decision": "", "reviewer": ""', '"decision": "keep", "reviewer": "a"')
    )
    (tmp_path / "sheet.jsonl").write_text(sheet)
    decisions = list(read_sheet(tmp_path / "sheet.jsonl", "now").decisions)
    decisions[0] = replace(decisions[0], decision="reject", reason="wrong")
    add_decisions(tmp_path / "decisions.jsonl", decisions)

    again = plan_run(ended.config, told, *more)
    assert again.plan.specs["quality"] == run.plan.specs["quality"]
    assert again.plan.specs["review"] != run.plan.specs["review"]
    walk(again, "review", "mixture")
    counts = again.artifact("review").manifest.counts
    assert (counts.held, counts.rejected, counts.rows_out) == (0, 1, (counts.rows_in or 0) - 1)
