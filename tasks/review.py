"""Human review: rows that a person must look at are held, what people decided is applied."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer


@task(name="review", **STAGE)
def review(run: Run, rows: Reference) -> State | Reference:
    """Holds rows in doubt."""

    def build(writer: Writer) -> None:
        from tuneloom.quality.doubts import asked, near_bounds
        from tuneloom.review.pick import Doubt
        from tuneloom.review.stage import review as review_rows

        plan, rows = run.plan, run.artifact("quality")
        near = near_bounds(rows, plan.config.review.near) if plan.config.review.near else []
        doubts = [Doubt(*doubt) for doubt in [*asked(rows), *near]]
        masks = plan.config.quality.pii != "keep"
        review_rows(writer, rows, plan.config.review, plan.decisions, plan.config.seed, doubts, masks)

    return run_stage(run, "review", build)
