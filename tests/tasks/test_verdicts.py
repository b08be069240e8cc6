"""Every verdict through the real stages into the real registry: a model better than its base, better than the champion,
as good, worse, judged on too few rows, and trained on rows that a suite asks.

The models are tiny but trained; nobody decides in the gate's place. Data stages are those of the shared run.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.tasks.conftest import Ended, Told, listen, plan_run, walk
from tuneloom.evaluate.stage import judge
from tuneloom.records import canonical
from tuneloom.release.connection import connect
from tuneloom.release.load import registered_files
from tuneloom.release.registry import VERDICT_TAG, version_by_alias

NAME = "verdicts"
COMMON = (f"release.model_name={NAME}", "evaluate.generate_rows=0", "evaluate.loss_rows=40")
LEAK = "kind: question_answering\nmax_new_tokens: 2\nmetrics: [exact_match]\nrows: [{{prompt: {asked!r}, answer: x}}]\n"
CASES = {
    "no champion": ("train.max_tokens=2000", "train.learning_rate=0.002"),
    "better": ("train.max_tokens=9000", "train.epochs=8", "train.learning_rate=0.005"),
    "equal": ("train.max_tokens=9000", "train.epochs=8", "train.learning_rate=0.00500001"),
    "bad": ("train.max_tokens=300", "train.learning_rate=0.000001"),
    "too few": ("train.max_tokens=9000", "train.epochs=8", "train.learning_rate=0.006", "evaluate.loss_rows=1"),
    "contaminated": ("train.max_tokens=9000", "train.epochs=8", "train.learning_rate=0.008", "decontaminate=null"),
}


@dataclass(frozen=True)
class Case:
    """A run's release and verdict, as they were written, and the version as the registry has it."""

    said: dict[str, Any]
    verdict: dict[str, Any]
    version: Any
    run: Any


@pytest.fixture(scope="module")
def cases(ended: Ended) -> dict[str, Case]:
    """The runs, one after the other in one registry: the first two become champion."""
    suite = ended.config.parent / "leak.yaml"
    row = json.loads((ended.config.parent / "rows.jsonl").read_text().splitlines()[5])
    suite.write_text(LEAK.format(asked=row["instruction"]), "utf-8")
    found = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        told: Told = listen(monkeypatch)
        for name, settings in CASES.items():
            more = ("evaluate.suites=[leak.yaml]",) if name == "contaminated" else ()
            run = plan_run(ended.config, told, *COMMON, *settings, *more)
            walk(run, last="release")
            said = json.loads(run.artifact("release").path("release.json").read_text("utf-8"))
            verdict = json.loads(run.artifact("evaluate").path("verdict.json").read_text("utf-8"))
            version = connect(run.plan.home).get_model_version(NAME, str(said["version"]))
            found[name] = Case(said, verdict, version, run)
    return found


@pytest.mark.parametrize(
    ("name", "verdict", "baseline", "promoted"),
    [
        ("no champion", "promote", "base", True),
        ("better", "promote", "champion", True),
        ("equal", "inconclusive", "champion", False),
        ("bad", "refuse", "champion", False),
        ("too few", "inconclusive", "champion", False),
        ("contaminated", "refuse", "champion", False),
    ],
)
def test_each_verdict_is_reached_and_stands_in_the_registry(
    cases: dict[str, Case], name: str, verdict: str, baseline: str, promoted: bool
) -> None:
    case = cases[name]
    assert (case.verdict["verdict"], case.verdict["baseline"]) == (verdict, baseline), case.verdict["reason"]
    assert (case.version.tags[VERDICT_TAG], case.said["promoted"]) == (verdict, promoted)


def test_each_says_why(cases: dict[str, Case]) -> None:
    assert "No worse within the margin" in cases["equal"].verdict["reason"]
    assert "loss is worse" in cases["bad"].verdict["reason"]
    assert "Too few rows to tell" in cases["too few"].verdict["reason"]
    assert "no suite row in the training rows" in cases["contaminated"].verdict["reason"]
    assert "rows:rows.jsonl:6" in cases["contaminated"].verdict["reason"]


def test_the_last_that_was_promoted_is_champion_and_the_one_before_it_previous(cases: dict[str, Case]) -> None:
    client = connect(cases["bad"].run.plan.home)
    numbers = {alias: int(version_by_alias(client, NAME, alias).version) for alias in ("champion", "previous")}
    assert numbers == {"champion": cases["better"].said["version"], "previous": cases["no champion"].said["version"]}


def test_each_verdict_is_made_again_bit_for_bit_from_the_rows_that_are_stored(cases: dict[str, Case]) -> None:
    for case in cases.values():
        stored = case.run.artifact("evaluate")
        items, outputs = (pq.read_table(stored.path(f"{name}.parquet")) for name in ("items", "outputs"))
        again = judge(items, outputs, stored.path("plan.json").read_text("utf-8"))
        assert canonical(again).encode() == stored.path("verdict.json").read_bytes()


def test_every_look_at_the_rows_is_counted(cases: dict[str, Case]) -> None:
    looks = [cases[name].verdict["uses"]["held_out"] for name in ("no champion", "better", "equal", "bad")]
    assert looks == list(range(looks[0], looks[0] + 4))


def test_the_verdict_travels_with_the_version(cases: dict[str, Case], tmp_path: Path) -> None:
    folder, _ = registered_files(cases["bad"].said["model_uri"], cases["bad"].run.plan.home)
    assert json.loads((folder / "verdict.json").read_text("utf-8")) == cases["bad"].verdict
    assert (folder / "verdict.md").read_text("utf-8").startswith("# Verdict: refuse")
