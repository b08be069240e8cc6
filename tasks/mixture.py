"""The mixture of training rows."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.snapshot import tell_changes
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer


@task(name="mixture", **STAGE)
def mixture(run: Run, rows: Reference) -> State | Reference:
    """Chooses among the training rows."""

    def build(writer: Writer) -> None:
        from tuneloom.mixture.stage import mix

        mix(writer, run.artifact("quality"), run.plan.config.mixture, run.plan.config.seed)

    outcome = run_stage(run, "mixture", build)
    tell_changes(run)
    return outcome
