"""Quality: personal data, edits of the user's, rules."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.plan import check_transforms


@task(name="quality", **STAGE)
def quality(run: Run, rows: Reference) -> State | Reference:
    """Masks personal data, applies the user's edits, rejects rows that break a rule."""

    def build(writer: Writer) -> None:
        from tuneloom.quality.stage import judge

        plan = run.plan
        judge(writer, run.artifact("decontaminate"), plan.config.quality, plan.transforms, plan.store.memo_rows)
        check_transforms(plan.config, plan.folder, plan.inputs)

    return run_stage(run, "quality", build)
