"""Whether a refresh has enough that is new to train again: the rows that changed since the last release, against
`budgets.fresh`.

A change that a person made, of settings or code, always trains; only rows that come by themselves may wait for more.
"""

from collections.abc import Mapping
from typing import Any

from tuneloom.plan import STAGES, Plan
from tuneloom.records import canonical
from tuneloom.runs import RunRecord, all_runs
from tuneloom.snapshot import difference, snapshot_of

_BY_ITSELF = ("files", "decisions")
"""Inputs that say what the rows are, not what is done with them."""


def too_little_new(plan: Plan) -> str | None:
    """Why training waits, for people: `3 of 200 training rows are new, gone or changed since the last release; ...`.

    None where it does not: enough changed, somebody changed the settings, nothing was released or is left to compare
    with. Needs the plan's data up to the mixture in the store.
    """
    before = next((run for run in all_runs(plan.store) if _released(run, plan)), None)
    if before is None or _settings(before.specs) != _settings({s: spec.as_dict() for s, spec in plan.specs.items()}):
        return None
    keys = {stage: spec.key for stage, spec in plan.specs.items()}
    old = snapshot_of(plan.store, before)
    now = snapshot_of(plan.store, RunRecord(plan.record.identity, plan.config.name, stages=keys))
    if old is None or now is None:
        return None
    counts = difference(old, now)["sides"]["train"]
    changed, total, fresh = (
        counts["added"] + counts["gone"] + counts["changed"],
        counts["before"],
        plan.config.budgets.fresh,
    )
    needed = fresh if fresh >= 1 else fresh * total
    if changed >= needed:
        return None
    return (
        f"{changed:,} of {total:,} training rows are new, gone or changed since the last release; "
        f"budgets.fresh asks for {needed:,.0f}"
    )


def _released(run: RunRecord, plan: Plan) -> bool:
    return run.name == plan.config.name and run.identity != plan.record.identity and "release" in run.stages


def _settings(specs: Mapping[str, Mapping[str, Any]]) -> str:
    """All that decides the weights but the rows."""
    until = STAGES[: STAGES.index("train") + 1]
    known = [
        [stage, specs[stage]["code"], specs[stage]["seed"], specs[stage]["config"], _asked(specs[stage]["inputs"])]
        for stage in until
        if stage in specs
    ]
    return canonical(known)


def _asked(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name not in _BY_ITSELF}
