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
        from tuneloom.released import read_index
        from tuneloom.split.stage import split as draw_sides

        plan = run.plan
        members, released = run.artifact("ingest").members, read_index(plan.store, plan.record.released)
        draw_sides(
            writer, run.artifact("dedup"), members, plan.config.split, plan.config.seed, plan.store.memo, released
        )
        if cut := writer.stats["cut"]["rows"]:
            run.say(
                f"split: {cut} rows share wording with too many others to stay on one side with them all; their groups "
                "were cut at the wording that most rows share"
            )

    outcome = run_stage(run, "split", build)
    if crossed := run.artifact("split").stats["released"]["crossed"]:
        run.say(
            f"split: {crossed:,} rows of released models now share text with rows on another side, or their task is "
            "held out; they are rejected, and `tuneloom show split` names them"
        )
    return outcome
