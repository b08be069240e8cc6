"""Evaluation on rows that never trained, against the base and this run's champion."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, Progress, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.release.registry import champion as registered_champion


@task(name="evaluate", **STAGE)
def evaluate(run: Run, tuned: Reference) -> State | Reference:
    """Scores the model and says whether it may be promoted."""
    champion = run.freeze_champion(lambda: registered_champion(run.plan.home, run.plan.config.release.model_name))

    def build(writer: Writer) -> None:
        from tuneloom.evaluate import stage

        plan = run.plan
        stage.evaluate(
            writer,
            run.artifact("mixture"),
            run.artifact("render"),
            run.artifact("train"),
            plan.model,
            champion,
            plan.config.evaluate,
            plan.config.release.gate,
            plan.config.seed,
            Progress(run, "evaluate"),
        )

    return run_stage(run, "evaluate", build)
