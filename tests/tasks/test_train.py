"""The task of fine-tuning: what MLflow gets to know, and on which device the model lies."""

import json
import math
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.train import train
from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.artifacts import Spec, Writer
from tuneloom.errors import BrokenArtifact
from tuneloom.models.probe import Machine
from tuneloom.release.connection import connect
from tuneloom.release.tracking import Tracking
from tuneloom.train import job
from tuneloom.train.checkpoint import Checkpoints


def steps(ended: Ended) -> list[dict]:
    return [json.loads(line) for line in ended.artifact("train").path("steps.jsonl").read_text("utf-8").splitlines()]


def test_every_step_is_in_mlflow_with_the_parameters_and_the_data(ended: Ended) -> None:
    client, run_id = connect(ended.run.plan.home), ended.run.plan.record.mlflow_run_id
    run = client.get_run(run_id)
    history = client.get_metric_history(run_id, "train/loss")
    assert [(p.step, p.value) for p in history] == [(s["step"], pytest.approx(s["loss"])) for s in steps(ended)]
    assert run.data.params["train.rank"] == "8"
    assert run.data.params["source_names"] == '["rows","twins"]'
    assert run.data.params["model_digest"] == ended.run.plan.model.digest
    trained_on = [i.dataset for i in run.inputs.dataset_inputs if i.tags[0].value == "training"]
    assert [data.digest for data in trained_on] == [ended.artifact("render").reference.key]
    assert run.info.status == "FINISHED"


def test_what_a_step_took_and_what_the_validation_side_says_is_in_mlflow(
    ended: Ended, told: Told, tmp_path: Path
) -> None:
    run = plan_run(
        ended.config, told, "train.validate_every=1", "train.tokens_per_step=64", "split.validation=0.3",
        "train.log_checkpoints=true", home=tmp_path / "home",
    )  # fmt: skip
    monitored = partial(Tracking.system_metrics, seconds=0.05)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Tracking, "system_metrics", lambda self: monitored(self))
        monkeypatch.setattr(job, "Checkpoints", partial(Checkpoints, least_seconds=0, share=math.inf))
        walk(run, last="train")
    client, run_id = connect(tmp_path / "home"), run.plan.record.mlflow_run_id
    lines = run.artifact("train").path("steps.jsonl").read_text("utf-8").splitlines()
    looks = [json.loads(x) for x in run.artifact("train").path("validation.jsonl").read_text("utf-8").splitlines()]
    found = client.get_run(run_id).data.metrics
    wanted = ("loss", "learning_rate", "grad_norm", "tokens", "supervised_tokens", "padded_tokens",
              "tokens_per_second", "mfu", "memory_bytes")  # fmt: skip
    for name in wanted:
        written = [(json.loads(line)["step"], pytest.approx(json.loads(line)[name])) for line in lines]
        assert [(p.step, p.value) for p in client.get_metric_history(run_id, f"train/{name}")] == written, name
    assert found["train/mfu"] > 0
    assert len(looks) == len(lines) > 1
    history = client.get_metric_history(run_id, "validation/loss")
    assert [(p.step, p.value) for p in history] == [(look["step"], pytest.approx(look["loss"])) for look in looks]
    tasks = {name.removeprefix("validation/task/") for name in found if name.startswith("validation/task/")}
    assert tasks == set(looks[0]["tasks"])
    assert any(name.startswith("system/") for name in found)
    assert [one.path for one in client.list_artifacts(run_id, "checkpoints")]
    stats = run.artifact("train").stats
    assert (stats["chosen_on"], str(stats["chosen_step"]) in stats["validation_losses"]) == ("validation", True)
    assert stats["seconds_to_first_micro_batch"] > 0
    assert stats["memory_estimate_bytes"] > 0


def test_the_progress_ends_at_the_planned_tokens(ended: Ended) -> None:
    last = steps(ended)[-1]
    assert last["tokens_so_far"] == last["tokens_planned"]
    assert f"train tokens {last['tokens_planned']}/{last['tokens_planned']}" in ended.told.lines
    assert ended.told.percent.count(100.0) == 2  # training, evaluation


def test_a_model_that_was_there_brings_its_curve_into_a_new_mlflow_run(
    ended: Ended, told: Told, tmp_path: Path
) -> None:
    run = plan_run(ended.config, told, f"store={ended.run.plan.store.folder}", home=tmp_path / "other")
    walk(run, first="train", last="train")
    assert run.plan.record.mlflow_run_id != ended.run.plan.record.mlflow_run_id
    history = connect(tmp_path / "other").get_metric_history(run.plan.record.mlflow_run_id, "train/loss")
    assert len(history) == len(steps(ended))


@pytest.mark.parametrize(("device", "told_as"), [("cuda", "float32 on cuda:"), ("cpu", "float32 on the CPU:")])
def test_the_model_is_loaded_onto_the_device_that_was_measured_and_that_is_said(
    ended: Ended, told: Told, monkeypatch: pytest.MonkeyPatch, device: str, told_as: str
) -> None:
    class Loaded(Exception):
        """Far enough."""

    def load(folder: Path, **how: str) -> None:
        assert how == {"device": device}
        raise Loaded

    machine = Machine(device, "float32", 1, 1.0, 1.0, "as measured")
    monkeypatch.setattr("tuneloom.train.stage.probe", lambda: machine)
    monkeypatch.setattr("tuneloom.train.ranks.free_bytes", lambda device: None)
    monkeypatch.setattr("tuneloom.train.job.load_model", load)
    run = plan_run(ended.config, told, "train.rank=5")
    with pytest.raises(Loaded):
        walk(run, first="train", last="train")
    assert [line for line in told.lines if "training on" in line and told_as in line]


def test_a_training_that_died_goes_on_in_another_run_and_ends_in_the_same_bytes(
    ended: Ended, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(Exception):
        """Stands for kill -9."""

    def run_training(limit: int) -> Path:
        def log_step(self: Any, step: Mapping[str, Any], number: int, group: str = "train") -> None:
            if group == "train":
                logged.append(number)
            if group == "train" and number == limit:
                raise Died

        monkeypatch.setattr("tuneloom.release.tracking.Tracking.log_step", log_step)
        run = plan_run(ended.config, told, "train.dropout=0.1", "train.tokens_per_step=64", home=tmp_path / "home")
        walk(run, first="ingest", last="train")
        return run.artifact("train").path("adapter/adapter_model.safetensors")

    logged: list[int] = []
    calm = run_training(limit=0).read_bytes()
    steps = list(logged)
    assert len(steps) == 3
    shutil.rmtree(tmp_path / "home/store/train")
    monkeypatch.setattr(job, "Checkpoints", partial(Checkpoints, least_seconds=0, share=math.inf))
    with pytest.raises(Died):
        run_training(limit=3)
    logged.clear()
    assert run_training(limit=0).read_bytes() == calm
    assert logged == steps, "the curve is whole in the new run"
    assert any("training goes on after step 2" in line for line in told.lines)
    assert not list((tmp_path / "home/store/.work").glob("*.resume"))


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_ranks_train_in_the_same_task(ended: Ended, told: Told, parallel: str) -> None:
    run = plan_run(ended.config, told, "train.processes=2", f"train.parallel={parallel}")
    walk(run, first="train", last="train")
    made = run.artifact("train")
    assert made.path("adapter/adapter_model.safetensors").stat().st_size > 1000
    found = [json.loads(line)["loss"] for line in made.path("steps.jsonl").read_text("utf-8").splitlines()]
    assert found == pytest.approx([step["loss"] for step in steps(ended)], rel=1e-2)  # bfloat16 on some machines


def test_a_training_may_take_days() -> None:
    assert train.timeout_seconds == 72 * 3600
    assert train.retries == 0


def test_a_prompt_on_two_sides_stops_the_training(ended: Ended, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stage is to blame: here the mixture hands on its training rows as test rows, too."""
    run = plan_run(ended.config, told, "train.rank=6")
    rows = ended.artifact("mixture").table()
    tests = rows.set_column(rows.schema.get_field_index("side"), "side", pa.array(["test"] * len(rows)))

    def twice(writer: Writer) -> None:
        writer.count(made=2 * len(rows))
        writer.add(pa.concat_tables([rows, tests]))

    leaking = run.plan.store.ensure(Spec("mixture", "test"), twice)
    real = run.artifact
    monkeypatch.setattr(run, "artifact", lambda stage: leaking if stage == "mixture" else real(stage))
    with pytest.raises(BrokenArtifact, match="on the training side and on another one"):
        walk(run, first="train", last="train")
