"""The MLflow run of a pipeline run: what it holds, how it is resumed, and what a dead process leaves."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, TEMPORARILY_UNAVAILABLE

from tests.tuneloom.release.conftest import World
from tuneloom.errors import TuneloomError
from tuneloom.release import tracking as module
from tuneloom.release.processes import process_mark
from tuneloom.release.tracking import Tracking, flatten, may_pass, metric_name, open_tracking, reconcile


@pytest.fixture
def run(world: World) -> Tracking:
    return open_tracking(world.home, "tracking", "a run")


def test_parameters_are_flat_and_a_resume_may_log_them_again(world: World, run: Tracking) -> None:
    run.params({"train": {"rank": 8, "targets": ["q", "v"]}, "model": "smol", "cap": None})
    again = open_tracking(world.home, "tracking", "a run", resume_run_id=run.run_id)
    again.params({"train": {"rank": 8}, "new": True})
    assert run.client.get_run(run.run_id).data.params == {
        "train.rank": "8",
        "train.targets": '["q","v"]',
        "model": "smol",
        "cap": "null",
        "new": "true",
    }


def test_more_parameters_than_mlflow_takes_at_once_all_arrive(run: Tracking) -> None:
    run.params({f"key{number}": number for number in range(230)})
    assert len(run.client.get_run(run.run_id).data.params) == 230


def test_every_step_arrives_with_its_own_time(run: Tracking) -> None:
    for step in range(1, 8):
        run.log_step({"step": step, "loss": 1 / step, "dtype": "float32", "skipped": None}, step, when=1000.0 + step)
    run.close()
    history = run.client.get_metric_history(run.run_id, "train/loss")
    assert [(point.step, point.value, point.timestamp) for point in history] == [
        (step, 1 / step, (1000 + step) * 1000) for step in range(1, 8)
    ]
    found = run.client.get_run(run.run_id)
    assert (found.info.status, set(found.data.metrics)) == ("FINISHED", {"train/loss"})


def test_steps_are_written_in_batches(run: Tracking, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(run.client, "log_batch", lambda run_id, metrics: calls.append(len(metrics)))
    monkeypatch.setattr(module, "BATCH_SECONDS", 1e9)
    for step in range(1, 1201):
        run.log_step({"loss": 1.0}, step)
    run._write()
    assert calls == [500, 500, 200]


def test_a_resume_logs_no_step_twice(world: World, run: Tracking) -> None:
    for step in (1, 2, 3):
        run.log_step({"loss": 1.0}, step)
    run._write()
    resumed = open_tracking(world.home, "tracking", "a run", resume_run_id=run.run_id)
    for step in (2, 3, 4):  # the checkpoint lay at step 1
        resumed.log_step({"loss": 1.0}, step)
    resumed.close()
    assert resumed.run_id == run.run_id
    assert [p.step for p in run.client.get_metric_history(run.run_id, "train/loss")] == [1, 2, 3, 4]


def test_a_run_that_is_gone_is_not_resumed_but_begun(world: World, run: Tracking) -> None:
    assert open_tracking(world.home, "tracking", "a run", resume_run_id="0" * 32).run_id != "0" * 32
    run.client.delete_run(run.run_id)
    assert open_tracking(world.home, "tracking", "a run", resume_run_id=run.run_id).run_id != run.run_id


def test_the_data_set_is_an_input_with_our_digest(run: Tracking) -> None:
    run.dataset("quickstart", "5d" * 16, 1900, "/data/store/render/5d")
    (found,) = run.client.get_run(run.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("quickstart", "5d" * 16)
    assert found.dataset.profile == '{"num_rows": 1900}'
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "training")]


def test_a_busy_database_delays_metrics_and_a_dead_one_is_told_at_the_end(run: Tracking, monkeypatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise MlflowException("database is locked")

    with monkeypatch.context() as broken:
        broken.setattr(run.client, "log_batch", refuse)
        broken.setattr(module, "BATCH_SECONDS", 0.0)
        run.log_step({"loss": 2.0}, 1)
        with pytest.raises(TuneloomError, match="did not take 1 metrics: database is locked"):
            run.close()
    assert run.client.get_run(run.run_id).info.status == "FAILED"
    run.log_step({"loss": 1.0}, 2)
    run.close()
    assert len(run.client.get_metric_history(run.run_id, "train/loss")) == 2


def test_a_run_that_cannot_be_ended_is_told(run: Tracking, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise MlflowException("no such host")

    monkeypatch.setattr(run.client, "set_terminated", refuse)
    with pytest.raises(TuneloomError, match="did not take the end of the run: no such host"):
        run.close()


def test_only_what_may_be_gone_in_a_moment_is_worth_another_try() -> None:
    locked = MlflowException("database is locked", error_code=TEMPORARILY_UNAVAILABLE)
    assert may_pass(locked)
    assert not may_pass(MlflowException("no such model", error_code=RESOURCE_DOES_NOT_EXIST))
    assert not may_pass(TuneloomError("the config is wrong"))


def test_what_a_dead_process_left_running_is_killed_and_no_other(world: World, run: Tracking) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    marks = {"dead": process_mark(child.pid), "far": "another-host:1:1"}
    child.communicate()
    runs = {}
    for name, mark in marks.items():
        runs[name] = run.client.create_run(run.experiment_id, tags={module.PROCESS_TAG: mark}).info.run_id
    runs["foreign"] = run.client.create_run(run.experiment_id).info.run_id

    assert reconcile(world.home) == [runs["dead"]]
    status = {name: run.client.get_run(run_id).info.status for name, run_id in runs.items()}
    assert status == {"dead": "KILLED", "far": "RUNNING", "foreign": "RUNNING"}
    assert run.client.get_run(run.run_id).info.status == "RUNNING"  # this process lives


def test_reconciling_where_nothing_ran_makes_nothing(tmp_path: Path) -> None:
    assert reconcile(tmp_path / "home") == []
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_run_are_kept_with_it(run: Tracking, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 0")
    run.artifact(tmp_path / "config.yaml", "config")
    assert [found.path for found in run.client.list_artifacts(run.run_id, "config")] == ["config/config.yaml"]


PLAIN = st.none() | st.booleans() | st.integers() | st.text()


@given(
    st.dictionaries(st.text("abc", min_size=1), PLAIN | st.dictionaries(st.text("xy", min_size=1), PLAIN, min_size=1))
)
def test_flattening_loses_no_leaf(tree: dict) -> None:
    flat = dict(flatten(tree))
    leaves = sum(len(value) if isinstance(value, dict) else 1 for value in tree.values())
    assert len(flat) == leaves
    assert all(isinstance(value, str) for value in flat.values())


def test_the_machine_is_watched_within_the_block_alone_and_a_resumed_run_goes_on(world: World, run: Tracking) -> None:
    def watched(tracking: Tracking) -> list[int]:
        with tracking.system_metrics(seconds=0.05):
            time.sleep(0.3)
        return [p.step for p in tracking.client.get_metric_history(run.run_id, "system/cpu_utilization_percentage")]

    first = watched(run)
    assert first == list(range(len(first)))
    assert first
    again = watched(open_tracking(world.home, "tracking", "a run", resume_run_id=run.run_id))
    assert again == list(range(len(again)))
    assert len(again) > len(first)
    assert not [thread for thread in threading.enumerate() if thread.name == "SystemMetricsMonitor"]


@given(st.text(min_size=1, max_size=30))
def test_any_task_makes_a_metrics_name(task: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(f"validation/task/{metric_name(task)}")


def test_a_tasks_name_stays_readable() -> None:
    assert metric_name("glue/mrpc (v2)") == "glue_mrpc _v2_"
    assert metric_name("阅读理解-1") == "阅读理解-1"
