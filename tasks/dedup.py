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
        from tuneloom.released import read_index

        plan = run.plan
        priorities = {source.name: source.priority for source in plan.config.sources}
        released = read_index(plan.store, plan.record.released)
        deduplicate(writer, run.artifact("ingest"), plan.config.dedup, priorities, plan.store.memo, released)

    outcome = run_stage(run, "dedup", build)
    stats = run.artifact("dedup").stats
    for line in alarms(stats):
        run.say(line)
    if lost := stats["released"]["lost"]:
        run.say(f"dedup: {lost:,} rows of released models are rejected as duplicates of others; see `show dedup`")
    check_budgets(stats, run.plan.config.budgets)
    return outcome
