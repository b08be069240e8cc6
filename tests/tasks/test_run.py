"""What the tasks of a run share: its record, the champion it is judged against, and where its words go."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.run import Run, current_reporter, reporting_to
from tests.flows.test_refresh import write_project
from tests.hollow import make_hollow
from tests.tasks.conftest import Ended, Told, plan_run
from tuneloom.artifacts import Reference
from tuneloom.plan import make_plan
from tuneloom.runs import FrozenChampion, read_run

ONE = FrozenChampion("tiny", 1, "1" * 32, "models:/tiny/1")
TWO = FrozenChampion("tiny", 2, "2" * 32, "models:/tiny/2")


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path) -> Path:
    return write_project(tmp_path, tiny_model)


def resumed(run: Run, told: Told) -> Run:
    """The same run, as a later process plans it."""
    with reporting_to(told):
        return Run(make_plan(run.plan.config, run.plan.folder))


def test_a_champion_is_frozen_in_the_record_and_in_the_keys_that_depend_on_it(config: Path, told: Told) -> None:
    run = plan_run(config, told)
    assert run.freeze_champion(lambda: ONE) == ONE
    assert run.plan.specs["evaluate"].inputs["champion"] == ONE.train_key
    record = read_run(run.plan.store, run.plan.record.identity)
    assert record is not None
    assert record.champion == ONE
    assert record.specs["evaluate"] == run.plan.specs["evaluate"].as_dict()


def test_no_champion_is_resolved_too(config: Path, told: Told) -> None:
    run = plan_run(config, told)
    assert run.freeze_champion(lambda: None) is None
    assert run.plan.record.champion_resolved


def test_a_resume_whose_champion_was_replaced_is_judged_against_the_new_one(config: Path, told: Told) -> None:
    run = plan_run(config, told)
    run.freeze_champion(lambda: ONE)
    before = run.plan.specs["evaluate"].key
    run = resumed(run, told)
    assert run.plan.specs["evaluate"].key == before
    assert run.freeze_champion(lambda: TWO) == TWO
    assert run.plan.specs["evaluate"].key != before
    assert resumed(run, told).freeze_champion(lambda: None) is None


def test_a_candidate_that_is_the_champion_is_compared_with_the_base_alone(config: Path, told: Told) -> None:
    run = plan_run(config, told)
    itself = replace(ONE, train_key=run.plan.specs["train"].key)
    assert run.freeze_champion(lambda: itself) is None


def test_a_run_killed_after_its_own_promotion_keeps_the_champion_it_was_judged_against(
    config: Path, told: Told
) -> None:
    run = plan_run(config, told)
    run.freeze_champion(lambda: ONE)
    run = resumed(run, told)
    assert run.freeze_champion(lambda: replace(TWO, train_key=run.plan.specs["train"].key)) == ONE


def test_a_run_whose_release_stands_does_not_ask_who_is_champion_now(ended: Ended, again: Run) -> None:
    def ask() -> FrozenChampion:
        raise AssertionError("asked")

    assert again.freeze_champion(ask) is None


def test_the_report_is_planned_when_the_release_is_there(ended: Ended, config: Path, told: Told) -> None:
    run = plan_run(config, told)
    run.freeze_champion(lambda: None)
    assert "report" not in run.plan.specs
    make_hollow(run.plan, "release")
    run.plan.store.ensure(run.plan.specs["release"], lambda writer: writer.file("release.json").write_text("{}"))
    run.finished("release", run.plan.specs["release"].reference)
    assert "report" in run.plan.specs
    assert "report" in run.plan.record.specs


def test_a_resume_keeps_when_it_began_and_what_is_finished(config: Path, told: Told) -> None:
    run = plan_run(config, told)
    run.finished("ingest", Reference("ingest", "abc"))
    run.use_tracking("0f3c")
    began = run.plan.record.started
    record = resumed(run, told).plan.record
    assert (record.started, dict(record.stages), record.mlflow_run_id) == (began, {"ingest": "abc"}, "0f3c")
    assert record.completed == ""


def test_a_finished_run_says_when(ended: Ended) -> None:
    record = read_run(ended.run.plan.store, ended.run.plan.record.identity)
    assert record is not None
    assert record.completed >= record.started > ""


def test_runs_speak_to_the_reporter_of_their_block_and_to_prefects_log_elsewhere(
    config: Path, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with reporting_to(told):
        current_reporter().say("in the block")
    assert told.lines == ["in the block"]
    monkeypatch.setattr("tasks.run.get_run_logger", lambda: logging.getLogger("a flow run"))
    with caplog.at_level(logging.INFO):
        Run(make_plan(plan_run(config, told).plan.config, config.parent)).say("nobody watches")
    assert ("a flow run", "nobody watches") in [(record.name, record.message) for record in caplog.records]
    assert "nobody watches" not in told.lines
