"""The task of release: told, tried again where that helps, remade for another registry, never stuck behind another."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE
from prefect.states import Failed

from tasks.release import release
from tasks.run import Run
from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.artifacts import Reference
from tuneloom.errors import ConfigError
from tuneloom.evaluate import stage as evaluation
from tuneloom.evaluate.gate import decide
from tuneloom.release.connection import connect


def said(run: Run) -> dict[str, Any]:
    return json.loads(run.artifact("release").path("release.json").read_text("utf-8"))


def baseline(run: Run) -> str:
    return json.loads(run.artifact("evaluate").path("verdict.json").read_text("utf-8"))["baseline"]


@pytest.fixture
def generous(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that says yes to every model, so that champions follow one another."""

    def promote(*scored: Any) -> Mapping[str, Any]:
        return {**decide(*scored), "verdict": "promote"}

    monkeypatch.setattr(evaluation, "decide", promote)


def test_a_registered_candidate_is_told_with_its_version_and_once_alone(ended: Ended, again: Run, told: Told) -> None:
    _, resource, payload = next(e for e in ended.told.events if e[0] == "tuneloom.candidate.registered")
    assert (resource, payload["version"]) == ("tuneloom.model.tiny", said(ended.run)["version"])
    walk(again, first="release", last="release")
    assert told.events == []


def test_mlflow_away_or_a_disk_that_fails_is_tried_again_and_a_wrong_config_is_not() -> None:
    assert release.retries > 0
    assert release.retry_jitter_factor
    locked = MlflowException("database is locked", error_code=TEMPORARILY_UNAVAILABLE)
    helps = [release.retry_condition_fn(release, None, Failed(data=e)) for e in (locked, OSError(), ConfigError(""))]
    assert helps == [True, True, False]


def test_a_second_home_on_a_shared_store_registers_in_its_own_registry(
    ended: Ended, told: Told, tmp_path: Path
) -> None:
    first = said(ended.run)
    store = f"store={tmp_path / 'store'}"
    one = plan_run(ended.config, told, store, home=tmp_path / "one")
    walk(one)
    two = plan_run(ended.config, told, store, home=tmp_path / "two")
    assert dict(two.plan.found())["release"] is not None
    reusable = dict(two.plan.reusable())
    assert [stage for stage, artifact in reusable.items() if artifact is None] == ["release", "report"]
    old_report = two.plan.specs["report"].key
    outcomes = walk(two)
    assert isinstance(outcomes["release"], Reference)
    assert any("the registry does not have its version" in line for line in told.lines)
    assert connect(tmp_path / "two").get_model_version("tiny", "1").tags["tuneloom.model_id"] == said(two)["model_id"]
    assert said(two)["model_id"] != first["model_id"]
    assert two.plan.specs["report"].key != old_report
    assert said(two)["mlflow_run_id"] in two.artifact("report").path("report.html").read_text("utf-8")


def test_a_run_whose_champion_was_replaced_before_its_release_is_judged_against_the_new_one(
    ended: Ended, told: Told, generous: None
) -> None:
    settings = ("release.model_name=replaced", "train.max_tokens=300")
    late = plan_run(ended.config, told, *settings, "train.rank=2")
    walk(late, last="evaluate")  # and here its process dies
    swift = plan_run(ended.config, told, *settings, "train.rank=3")
    walk(swift, last="release")
    assert said(swift)["promoted"]

    late = plan_run(ended.config, told, *settings, "train.rank=2")
    walk(late)
    assert (baseline(late), said(late)["promoted"], said(late)["version"]) == ("champion", True, 2)


def test_a_run_refused_since_another_became_champion_is_judged_anew_when_run_again_and_then_is_done(
    ended: Ended, told: Told, generous: None
) -> None:
    settings = ("release.model_name=refused", "train.max_tokens=300")
    late = plan_run(ended.config, told, *settings, "train.rank=2")
    walk(late, last="evaluate")
    swift = plan_run(ended.config, told, *settings, "train.rank=3")
    walk(swift, last="release")
    walk(late, first="release")
    assert (said(late)["promoted"], said(late)["outdated"]) == (False, True)

    late = plan_run(ended.config, told, *settings, "train.rank=2")
    reusable = dict(late.plan.reusable())
    assert [stage for stage, artifact in reusable.items() if artifact is None] == ["release", "report"]
    walk(late)
    assert (baseline(late), said(late)["promoted"]) == ("champion", True)

    for settled in (("train.rank=2",), ("train.rank=3",)):  # the one that was replaced stays done, too
        assert None not in dict(plan_run(ended.config, told, *settings, *settled).plan.reusable("release")).values()
