"""The human round trip through a real store: held, decided, and never asked again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rows import chat
from tests.tuneloom.review.reviewed import reviewed
from tuneloom.config import Review
from tuneloom.records import content_digest
from tuneloom.review.decisions import Decision
from tuneloom.review.pick import Doubt

ROWS = [chat(f"question {n}", f"answer {n}") for n in range(20)]
IDS = [content_digest(row) for row in ROWS]


def word(n: int, decision: str, rule: str = "sample", **more: str) -> Decision:
    return Decision(IDS[n], rule, decision, "ada", "2026-01-01T00:00:00+00:00", "why", **more)


def test_by_default_nothing_is_held(tmp_path: Path) -> None:
    artifact = reviewed(tmp_path, ROWS, Review())
    counts = artifact.manifest.counts
    assert (counts.rows_in, counts.rows_out, counts.held, counts.rejected) == (20, 20, 0, 0)


def test_a_sample_of_the_training_rows_is_held_and_the_rest_goes_on(tmp_path: Path) -> None:
    artifact = reviewed(tmp_path, ROWS, Review(sample=4), sides=["train"] * 10 + ["test"] * 10)
    assert (artifact.manifest.counts.rows_out, artifact.manifest.counts.held) == (16, 4)
    held = artifact.held().to_pylist()
    assert {row["side"] for row in held} == {"train"}
    assert {doubt["rule"] for row in held for doubt in row["doubts"]} == {"sample"}
    assert artifact.stats["held_by_rule"] == {"sample": 4}
    assert "doubts" not in artifact.table().column_names


def test_a_sample_is_the_same_rows_over_a_refresh_and_is_done_once_decided(tmp_path: Path) -> None:
    first = reviewed(tmp_path, ROWS, Review(sample=4)).held()["id"].to_pylist()
    words = [word(IDS.index(id), "keep") for id in first]
    again = reviewed(tmp_path, ROWS, Review(sample=4), words)
    assert again.manifest.counts.held == 0
    assert again.stats["applied"] == {"keep": 4, "edit": 0, "reject": 0}
    share = reviewed(tmp_path, ROWS, Review(sample=0.3)).held()["id"].to_pylist()
    more = reviewed(tmp_path, [*ROWS, *(chat("new", str(n)) for n in range(30))], Review(sample=0.3))
    assert set(share) == set(more.held()["id"].to_pylist()) & set(IDS)


def test_a_decided_row_is_held_again_for_another_rule_only(tmp_path: Path) -> None:
    doubts = [Doubt(IDS[3], "near: repeated phrase", 0.28, 0.3)]
    kept = reviewed(tmp_path, ROWS, Review(), [word(3, "keep", doubts[0].rule)], doubts)
    assert kept.manifest.counts.held == 0
    other = reviewed(tmp_path, ROWS, Review(), [word(3, "keep")], doubts)
    assert other.held()["doubts"].to_pylist() == [[{"rule": doubts[0].rule, "value": 0.28, "bound": 0.3}]]


def test_a_rejected_row_stays_out_and_says_who_when_and_why(tmp_path: Path) -> None:
    artifact = reviewed(tmp_path, ROWS, Review(sample=20), [word(5, "reject")])
    assert artifact.manifest.reasons == {"rejected in review": 1}
    (detail,) = artifact.rejected()["detail"].to_pylist()
    assert json.loads(detail)["evidence"] == {
        "reviewer": "ada", "time": "2026-01-01T00:00:00+00:00", "reason": "why",
    }  # fmt: skip
    assert artifact.manifest.counts.held == 19


@pytest.mark.parametrize("rules", [("a", "b"), ("b", "a")])
def test_the_last_of_two_edits_counts_whatever_the_rules_are_called(tmp_path: Path, rules: tuple[str, str]) -> None:
    words = [
        replace(word(2, "edit", rule, new_answer=answer), time=f"2026-01-0{day}T00:00:00+00:00")
        for day, (rule, answer) in enumerate(zip(rules, ("first", "last"), strict=True), 1)
    ]
    artifact = reviewed(tmp_path, ROWS, Review(), sorted(words, key=lambda one: one.rule))
    said = {row["id"]: row["messages"][1]["content"] for row in artifact.table().to_pylist()}
    assert said[IDS[2]] == "last"
    assert artifact.stats["overruled_edits"] == 1


def test_a_decision_without_a_row_is_counted(tmp_path: Path) -> None:
    gone = Decision("f" * 32, "sample", "keep", "ada", "")
    assert reviewed(tmp_path, ROWS, Review(), [gone, word(1, "keep")]).stats["without_row"] == 1
