"""Why a stage must run: what changed since the last run of that name."""

from collections.abc import Iterator
from typing import Any

from tuneloom.plan.plan import Plan
from tuneloom.release.presence import why_made_again
from tuneloom.runs import latest_run

MOST_REASONS = 4
"""Changes that are named of a stage that must run."""


def why(plan: Plan, stage: str) -> str:
    """Why a stage must run: the changed setting or file, against the last run of that name."""
    before = latest_run(plan.store, plan.config.name)
    released = plan.artifact("release") if "report" in plan.specs else None
    again = why_made_again(released, plan.home) if released and stage in ("release", "report") else None
    if stage == "report" and (again or not released):
        return "after the release"
    if again:
        return again
    if stage not in plan.specs:
        return "after the champion is known"
    if before is None or stage not in before.specs:
        return "never ran"
    if before.stages.get(stage) == plan.specs[stage].key:
        return "its artifact is gone"
    old, new = before.specs[stage], plan.specs[stage].as_dict()
    reasons = [f"the code of {stage} changed"] if old["code"] != new["code"] else []
    reasons += [*_changed("", old["config"], new["config"]), *_changed("", old["inputs"], new["inputs"])]
    if old["seed"] != new["seed"]:
        reasons.append(f"seed {old['seed']} -> {new['seed']}")
    if old.get("consulted") != new["consulted"]:
        reasons.append("rows were released since")
    changed = [p.split("/")[0] for p in new["parents"] if p not in old["parents"] and p.split("/")[0] != stage]
    if changed and not reasons:
        reasons.append(f"{', '.join(dict.fromkeys(changed))} changed")
    more = [f"and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
    return "; ".join([*reasons[:MOST_REASONS], *more]) or "its inputs changed"


def _changed(prefix: str, old: Any, new: Any) -> Iterator[str]:
    """`near.threshold 0.8 -> 0.7`, `file b.json is new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _changed(f"{prefix}.{key}" if prefix else key, old.get(key), new.get(key))
    elif prefix == "files":
        before, after = {tuple(f[:2]): f[2] for f in old or []}, {tuple(f[:2]): f[2] for f in new or []}
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                state = "is new" if name not in before else "is gone" if name not in after else "changed"
                yield f"file {':'.join(name)} {state}"
    elif isinstance(old, dict) or isinstance(new, dict):
        yield f"{prefix} is {'new' if old is None else 'gone'}" if None in (old, new) else f"{prefix} changed"
    elif old != new:
        yield f"{prefix} {old} -> {new}"
