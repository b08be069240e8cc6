"""Decontamination: each rejected row names the evaluation row that it gives away."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer


@task(name="decontaminate", **STAGE)
def decontaminate(run: Run, rows: Reference) -> State | Reference:
    """Rejects training rows that give away an evaluation row."""

    def build(writer: Writer) -> None:
        from tuneloom.decontaminate.stage import decontaminate as compare

        compare(writer, run.artifact("split"), run.plan.config.decontaminate, run.plan.suites)

    return run_stage(run, "decontaminate", build)
