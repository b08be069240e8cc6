"""The MLflow run of a flow run ends as the flow does, and nothing that waits is lost."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from tasks.run import Run
from tasks.tracking import run_tracking, tracked
from tests.tasks.conftest import Ended, Told, plan_run
from tuneloom.errors import TuneloomError
from tuneloom.release.connection import connect


class Stop(BaseException):
    """As a signal ends a flow."""


@pytest.fixture
def other(ended: Ended, told: Told) -> Run:
    """A run that has not trained yet, in the home (and the MLflow database) of the one that ended."""
    run = plan_run(ended.config, told, "train.rank=2")
    run.freeze_champion(lambda: None)
    return run


def status(run: Run, run_id: str) -> str:
    return connect(run.plan.home).get_run(run_id).info.status


@pytest.mark.parametrize(("error", "ends"), [(None, "FINISHED"), (ValueError("no"), "FAILED"), (Stop(), "KILLED")])
def test_the_mlflow_run_ends_as_the_flow_does_its_last_steps_written(
    other: Run, error: BaseException | None, ends: str
) -> None:
    def flow() -> None:
        with tracked(other):
            run_tracking(other).log_step({"loss": 2.0}, 1)
            if error:
                raise error

    with pytest.raises(type(error)) if error else nullcontext():
        flow()
    run_id = other.plan.record.mlflow_run_id
    assert status(other, run_id) == ends
    points = connect(other.plan.home).get_metric_history(run_id, "train/loss")
    assert [point.value for point in points] == [2.0]


def test_a_flow_has_one_mlflow_run_open(other: Run) -> None:
    with tracked(other):
        assert run_tracking(other) is run_tracking(other)


def test_a_flow_that_never_came_to_mlflow_opens_nothing(other: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.tracking.open_tracking", lambda *_: pytest.fail("opened"))
    with tracked(other):
        other.say("nothing to train")


def test_a_run_that_has_trained_goes_on_with_its_mlflow_run_and_another_begins_one(again: Run, other: Run) -> None:
    known = again.plan.record.mlflow_run_id
    assert known
    with tracked(again):
        assert run_tracking(again).run_id == known
        assert status(again, run_tracking(again).run_id) == "RUNNING"
    with tracked(other):
        first = run_tracking(other).run_id
    with tracked(other):
        assert run_tracking(other).run_id != first


def test_mlflows_own_trouble_does_not_hide_the_error_and_is_told(
    other: Run, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TuneloomError("MLflow did not take 3 metrics", where="mlflow.db", remedy="Is its disk full?")

    monkeypatch.setattr("tuneloom.release.tracking.Tracking.close", refuse)

    def flow() -> None:
        with tracked(other):
            run_tracking(other)
            raise ValueError("the real one")

    with pytest.raises(ValueError, match="the real one"):
        flow()
    assert any("did not take 3 metrics" in line for line in told.lines)
    with pytest.raises(TuneloomError, match="3 metrics"), tracked(other):
        run_tracking(other)


def test_the_run_names_the_flow_run_and_what_died_before_is_told(
    ended: Ended, told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tasks.tracking.reconcile", lambda home: ["0f3c"])
    run = plan_run(ended.config, told, "train.rank=3")
    with tracked(run):
        found = connect(run.plan.home).get_run(run_tracking(run).run_id)
    assert found.data.tags["tuneloom.run"] == run.plan.record.identity
    assert "MLflow run 0f3c was left running by a process that died; marked KILLED" in told.lines


def test_the_run_holds_the_numbers_of_every_stage_also_of_one_that_a_resume_came_to(ended: Ended) -> None:
    run = ended.run
    logged = connect(run.plan.home).get_run(run.plan.record.mlflow_run_id).data.metrics
    dedup = ended.artifact("dedup").manifest
    assert logged["stage/dedup/rows_out"] == dedup.counts.rows_out
    assert logged["stage/dedup/rejected"] == dedup.counts.rejected
    assert {"stage/train/seconds", "stage/report/seconds"} <= set(logged)
