"""Fine-tuning, with every step in MLflow and a progress bar in both UIs."""

import json
from collections.abc import Mapping
from typing import Any

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.slots import training_slot
from tasks.stage import HOURS, STAGE, Progress, finish_stage
from tasks.tracking import run_tracking
from tuneloom.artifacts import Reference, Writer


@task(name="train", **{**STAGE, "timeout_seconds": 72 * HOURS})
def train(run: Run, shards: Reference) -> State | Reference:
    """Trains, or finds the model that these very inputs made."""
    plan, tracking = run.plan, run_tracking(run)
    data = run.artifact("render")
    tracking.params(plan.config.model_dump(mode="json", exclude={"store", "sources"}))
    tracking.params({"model_digest": plan.model.digest, "source_names": [s.name for s in plan.config.sources]})
    tracking.dataset(plan.config.name, data.reference.key, data.manifest.counts.rows_out or 0, str(data.folder))

    def build(writer: Writer) -> None:
        from tuneloom.split.check import check_sides
        from tuneloom.train.stage import fine_tune

        check_sides(run.artifact("mixture"))
        progress = Progress(run, "train")

        def on_step(step: Mapping[str, Any]) -> None:
            tracking.log_step(step, step["step"])
            progress("tokens", step["tokens_so_far"], step["tokens_planned"])

        with training_slot():
            fine_tune(writer, data, plan.config.train, plan.model, plan.config.seed, on_step, run.say)

    run.reporter.begin("train")
    artifact = plan.store.ensure(plan.specs["train"], build)
    if artifact.reused:
        for line in artifact.path("steps.jsonl").read_text("utf-8").splitlines():
            step = json.loads(line)
            tracking.log_step(step, step["step"])
    return finish_stage(run, "train", artifact)
