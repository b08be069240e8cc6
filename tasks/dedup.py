"""Deduplication: each rejected row names the kept row it resembles."""

from collections.abc import Mapping
from typing import Any

from prefect import task
from prefect.states import State

from tasks.pools import pool_of
from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.memory import freed_memory_given_back

GIB = 1 << 30


@task(name="dedup", **STAGE)
def dedup(run: Run, rows: Reference) -> State | Reference:
    """Rejects exact and near duplicates; stops the run where they exceed a budget, found or made."""
    from tuneloom.dedup.describe import alarms

    def build(writer: Writer) -> None:
        from tuneloom.dedup.stage import deduplicate
        from tuneloom.released import read_index

        config, store = run.plan.config, run.plan.store
        released = read_index(store, run.plan.record.released)
        priorities = {source.name: source.priority for source in config.sources}
        with pool_of(config.run, preload=["tuneloom.dedup.pieces"]) as pool:
            memory = config.run.memory * GIB
            deduplicate(writer, run.artifact("ingest"), config.dedup, priorities, store, pool, memory, released)

    with freed_memory_given_back():
        outcome = run_stage(run, "dedup", build)
    stats = run.artifact("dedup").stats
    for line in alarms(stats):
        run.say(line)
    if lost := stats["released"]["lost"]:
        run.say(f"dedup: {lost:,} rows of released models are rejected as duplicates of others; see `show dedup`")
    _check_budgets(run, stats)
    return outcome


def _check_budgets(run: Run, stats: Mapping[str, Any]) -> None:
    """Ends the run where a budget is exceeded and nobody approved of it; a person is asked where the config says so."""
    from tuneloom.approvals import ask, read_approval
    from tuneloom.dedup.budget import as_error, breaches

    budgets, record = run.plan.config.budgets, run.plan.record
    artifact = run.artifact("dedup").reference
    known = read_approval(run.plan.store, artifact) if budgets.on_breach == "ask" else None
    exceeded = [one for one in breaches(stats, budgets) if not known or one.what not in known.approved]
    if not exceeded:
        return
    if budgets.on_breach == "ask":
        ask(run.plan.store, artifact, record.identity, [one.what for one in exceeded])
    raise as_error(exceeded[0], budgets.on_breach, record.identity)
