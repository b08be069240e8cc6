"""Deduplication: each rejected row names the kept row it resembles."""

from prefect import task
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer


@task(name="dedup", **STAGE)
def dedup(run: Run, rows: Reference) -> State | Reference:
    """Rejects exact and near duplicates; stops the run where they exceed a budget, found or made."""
    from tuneloom.dedup.budget import check_budgets
    from tuneloom.dedup.describe import alarms

    def build(writer: Writer) -> None:
        from tuneloom.dedup.stage import deduplicate

        plan = run.plan
        priorities = {source.name: source.priority for source in plan.config.sources}
        deduplicate(writer, run.artifact("ingest"), plan.config.dedup, priorities, plan.store.memo)

    outcome = run_stage(run, "dedup", build)
    stats = run.artifact("dedup").stats
    for line in alarms(stats):
        run.say(line)
    check_budgets(stats, run.plan.config.budgets)
    return outcome
