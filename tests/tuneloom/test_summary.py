"""What came out of a run, from its artifacts alone."""

from pathlib import Path

import pytest

from tests.flows.projects import decide
from tests.rows import table_of
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.records import Origin, Reject
from tuneloom.summary import Outcome, metric_lines, read_outcome, stage_metrics, summary_markdown


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Artifact | None]:
    """A data stage, a verdict and a report; training is left out."""
    store = Store(tmp_path)

    def keep(writer) -> None:
        writer.count(rows_in=1201)
        writer.add(table_of([(f"q {n}", "a") for n in range(1200)]))
        writer.reject([Reject(Origin("s", "f", 9), "too long")])

    report = store.ensure(Spec("report", "code"), lambda writer: writer.file("report.html").write_text("x") and None)
    return {"quality": store.ensure(Spec("quality", "code"), keep), "train": None, **decide(store), "report": report}


def test_the_outcome_is_read_from_verdict_release_and_report(found: dict) -> None:
    outcome = read_outcome(found)
    assert (outcome.model, outcome.verdict, outcome.promoted) == ("models:/m/1", "promote", True)
    assert outcome.metrics["loss"]["tuned"] == 2.0
    assert Path(outcome.report or "").read_text() == "x"


def test_what_is_not_there_is_none(found: dict) -> None:
    assert read_outcome({"quality": found["quality"], "evaluate": None}) == Outcome()
    early = read_outcome({"evaluate": found["evaluate"]})
    assert (early.verdict, early.model, early.promoted) == ("promote", None, None)


def test_a_metric_is_one_line_with_only_what_was_measured() -> None:
    outcome = Outcome(
        metrics={
            "loss": {"base": 3.1049, "champion": None, "tuned": 2.0, "difference": -1.1049, "low": -1.2, "high": 0.0},
            "chrf": {"base": 0.0, "tuned": 12.5, "low": None, "high": None},
        }
    )
    assert metric_lines(outcome) == [
        "loss         base 3.105  tuned 2  difference -1.1 [-1.2, +0]",
        "chrf         base 0  tuned 12.5",
    ]


def test_the_markdown_has_a_row_a_stage_that_ran_and_the_verdict(found: dict) -> None:
    lines = summary_markdown("helpdesk", {**found, "quality": found["quality"].as_reused()}).splitlines()
    assert lines[0] == "# helpdesk"
    assert "| quality | 1,201 | 1,200 | 1 | reused |" in lines
    assert not any("train" in line for line in lines)
    (evaluated,) = (line for line in lines if line.startswith("| evaluate"))
    assert evaluated.split("|")[2:5] == ["  "] * 3
    assert "**Verdict: promote**, model `models:/m/1`" in lines
    assert any(line.startswith("- loss ") for line in lines)
    assert lines[-1].endswith("report.html`")


def test_the_numbers_of_a_stage_are_what_its_manifest_counts(found: dict) -> None:
    numbers = stage_metrics(found)
    counted = {name: value for name, value in numbers.items() if name.startswith("quality/")}
    seconds = counted.pop("quality/seconds")
    assert seconds == found["quality"].manifest.seconds
    assert counted == {
        "quality/rows_in": 1201.0, "quality/rows_out": 1200.0, "quality/rejected": 1.0, "quality/held": 0.0,
        "quality/reject_rate": pytest.approx(1 / 1201),
    }  # fmt: skip
    assert {name for name in numbers if name.startswith("evaluate")} == {"evaluate/seconds"}
    assert not any(name.startswith("train") for name in numbers)
