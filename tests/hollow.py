"""Artifacts with nothing in them, where a test needs a chain and not its contents."""

from tuneloom.plan import STAGES, Plan


def make_hollow(plan: Plan, before: str) -> None:
    """Commits an empty artifact for every stage of the plan before `before`, and for the files that ingest unites."""
    specs = [planned.spec for planned in plan.files] + [plan.specs[s] for s in STAGES[: STAGES.index(before)]]
    for spec in specs:
        plan.store.ensure(spec, lambda writer: None)
