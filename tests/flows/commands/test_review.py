"""`tuneloom review`: what it writes, what it takes in, and what it refuses."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages
from tuneloom.artifacts import Writer
from tuneloom.review.decisions import read_decisions
from tuneloom.review.stage import review


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that holds three rows, seen from its folder."""
    config = make_project(tmp_path, review={"sample": 3, "decisions": "decisions.jsonl"})
    plan = plan_to_run(options(config=config), print)
    rows = run_data_stages(plan)["split"]

    def pass_on(writer: Writer) -> None:
        writer.add(rows.table())
        writer.count(rows_in=len(rows.table()))

    for stage in ("decontaminate", "quality"):
        plan.store.ensure(plan.specs[stage], pass_on)
    plan.store.ensure(plan.specs["review"], lambda writer: review(writer, rows, plan.config.review, (), 0))
    monkeypatch.chdir(tmp_path)
    return config


def test_a_sheet_goes_out_and_comes_back(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(config), "export", "sheet.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": "sheet.jsonl", "rows": 3}
    rows = [json.loads(line) for line in Path("sheet.jsonl").read_text().splitlines()]
    rows[0].update(decision="keep", reviewer="ada")
    Path("sheet.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert main(["review", str(config), "import", "sheet.jsonl"]) == 0
    assert "1 rows decided, 2 left open -> decisions.jsonl" in capsys.readouterr().out
    (decision,) = read_decisions(Path("decisions.jsonl"))
    assert (decision.id, decision.decision, decision.reviewer) == (rows[0]["id"], "keep", "ada")
    assert decision.time.endswith("+00:00")


def test_a_slip_leaves_the_decisions_as_they_were(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sheet.jsonl").write_text('{"id": "a", "rules": ["sample"], "decision": "maybe"}')
    assert main(["review", str(config), "import", "sheet.jsonl"]) == 2
    assert "sheet.jsonl, row 1, field decision" in capsys.readouterr().err
    assert not Path("decisions.jsonl").exists()


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        ({"id": "f" * 32}, f"no row of the last run has the id {'f' * 32}"),
        ({"rules": ["simple"]}, "no rule 'simple' holds row"),
    ],
)
def test_a_row_or_rule_that_is_none_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], slip: dict[str, object], told: str
) -> None:
    assert main(["review", str(config), "export", "sheet.jsonl"]) == 0
    row = json.loads(Path("sheet.jsonl").read_text().splitlines()[0]) | {"decision": "keep", "reviewer": "ada"}
    Path("sheet.jsonl").write_text(json.dumps(row | slip))
    assert main(["review", str(config), "import", "sheet.jsonl"]) == 2
    assert told in capsys.readouterr().err
    assert not Path("decisions.jsonl").exists()


def test_what_cannot_be_done_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(config), "export", "rows.json"]) == 2
    assert "neither JSONL nor CSV" in capsys.readouterr().err
    assert main(["review", str(config), "import", "sheet.csv", "--set", "review.decisions=null"]) == 2
    assert "review.decisions" in capsys.readouterr().err
    assert main(["review", str(config), "import", "sheet.csv"]) == 2
    assert "no file sheet.csv" in capsys.readouterr().err


def test_without_held_rows_there_is_no_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = make_project(tmp_path)
    assert main(["review", str(config), "export", str(tmp_path / "sheet.csv")]) == 2
    assert "review has not run yet" in capsys.readouterr().err
