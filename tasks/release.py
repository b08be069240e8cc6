"""Release: the model into the registry, the alias where the gate says so."""

import json
from typing import Any

from prefect import task
from prefect.states import State

from tasks.events import tell_released
from tasks.run import Run
from tasks.stage import RETRIED, STAGE, input_or_output, run_stage
from tasks.tracking import run_tracking
from tuneloom.artifacts import Reference, Writer
from tuneloom.release.presence import why_made_again
from tuneloom.release.tracking import may_pass


def _mlflow_or_input_or_output(task: Any, task_run: Any, state: State) -> bool:
    """Registering can be done again, so a retry helps where MLflow's database was locked or its server away."""
    return input_or_output(task, task_run, state) or may_pass(state.result(raise_on_failure=False))


@task(name="release", **STAGE, **{**RETRIED, "retry_condition_fn": _mlflow_or_input_or_output})
def release(run: Run, evaluation: Reference) -> State | Reference:
    """Registers the candidate, and promotes it or not."""
    plan, tracking = run.plan, run_tracking(run)

    def build(writer: Writer) -> None:
        from tuneloom.release.rows import add_release
        from tuneloom.release.stage import release as register

        add_release(  # first: no version may be registered whose rows are not listed
            plan.store, plan.config.name, run.artifact("split"), run.artifact("mixture"), plan.record.released
        )
        scores, tuned = run.artifact("evaluate"), run.artifact("train")
        register(writer, scores, tuned, [*plan.store.lineage(scores)], plan.model, plan.config.release, tracking)

    before = plan.store.find(plan.specs["release"].reference)
    if before and (why := why_made_again(before, plan.home)):
        plan.store.remove(before.reference, why)
    outcome = run_stage(run, "release", build)
    if isinstance(outcome, Reference):
        tell_released(json.loads(run.artifact("release").path("release.json").read_text("utf-8")))
    return outcome
