"""Fine-tuning, with every step, every look at the validation side and the machine in MLflow, and a bar in both UIs."""

import json
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from prefect import task
from prefect.states import State

from tasks.drift import drift_tags
from tasks.run import Run
from tasks.slots import training_slot
from tasks.stage import HOURS, STAGE, Progress, finish_stage
from tasks.tracking import run_tracking
from tuneloom.artifacts import Artifact, Reference, Writer
from tuneloom.plan import check_continued
from tuneloom.release.tracking import Tracking, metric_name


@task(name="train", **{**STAGE, "timeout_seconds": 72 * HOURS})
def train(run: Run, shards: Reference) -> State | Reference:
    """Trains, or finds the model that these very inputs made."""
    plan, tracking = run.plan, run_tracking(run)
    data = run.artifact("render")
    tracking.params(plan.config.model_dump(mode="json", exclude={"store", "sources"}))
    tracking.params({"model_digest": plan.model.digest, "source_names": [s.name for s in plan.config.sources]})
    tracking.dataset(plan.config.name, data.reference.key, data.manifest.counts.rows_out or 0, str(data.folder))

    if tags := drift_tags(run):
        tracking.tags(tags)

    def build(writer: Writer) -> None:
        began = time.perf_counter()
        from tuneloom.split.check import check_sides
        from tuneloom.train.preflight import check_suites
        from tuneloom.train.stage import Listener, fine_tune

        mixture = run.artifact("mixture")
        check_sides(mixture)
        if line := check_suites(run.artifact("decontaminate"), plan.suites):
            run.say(line)
        progress = Progress(run, "train")

        def on_step(step: Mapping[str, Any]) -> None:
            tracking.log_step(step, step["step"])
            progress("tokens", step["tokens_so_far"], step["tokens_planned"])

        def on_checkpoint(path: Path) -> None:
            if plan.config.train.log_checkpoints:
                tracking.artifact(path, "checkpoints")

        continued = check_continued(plan.inputs.continued)
        told = Listener(run.say, on_step, partial(_log_look, tracking), on_checkpoint, began)
        with training_slot(), tracking.system_metrics():
            fine_tune(writer, data, mixture, plan.config.train, plan.model, plan.config.seed, told, continued)
        progress.end()

    run.reporter.begin("train")
    artifact = plan.store.ensure(plan.specs["train"], build)
    if artifact.reused:
        for step in _lines(artifact, "steps.jsonl"):
            tracking.log_step(step, step["step"])
        for look in _lines(artifact, "validation.jsonl"):
            _log_look(tracking, look)
    return finish_stage(run, "train", artifact)


def _log_look(tracking: Tracking, look: Mapping[str, Any]) -> None:
    """A look at the validation side, over all and by task: `validation/loss`, `validation/task/translation`."""
    by_task = {f"task/{metric_name(task)}": loss for task, loss in look["tasks"].items()}
    tracking.log_step({**look, **by_task}, look["step"], "validation")


def _lines(artifact: Artifact, name: str) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file of the artifact."""
    for path in artifact.files(name):
        yield from map(json.loads, path.read_text("utf-8").splitlines())
