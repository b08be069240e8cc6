"""Sides."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer


@task(name="split", **STAGE)
def split(run: Run, rows: Reference) -> State | Reference:
    """Draws each row's side, groups whole."""

    def build(writer: Writer) -> None:
        from tuneloom.split.stage import split as draw_sides

        draw_sides(writer, run.artifact("dedup"), run.plan.config.split, run.plan.config.seed)
        if cut := writer.stats["cut"]["rows"]:
            run.say(
                f"split: {cut} rows share wording with too many others to stay on one side with them all; their groups "
                "were cut at the wording that most rows share"
            )

    return run_stage(run, "split", build)
