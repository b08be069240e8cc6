"""The small flows that keep a deployed project going: one looks for new files, one takes away what nobody needs."""

import time
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.deployments import run_deployment
from prefect.logging import get_run_logger
from prefect.states import Completed, State

from flows.commands.gc import as_dict, lines
from flows.reconcile import claim_this_run
from flows.settings import allow_hub
from tuneloom.artifacts.locks import lock
from tuneloom.config_file import load_config
from tuneloom.plan import Plan, make_plan, store_of
from tuneloom.retention import clear, look

REFRESH = "scheduled-refresh/refresh"
QUIET_SECONDS = 60
"""How long nobody may have written to a file before it is read: it may still be on its way."""
LONGEST_WAIT = 72 * 3600
"""Seconds that a cleanup waits for a run of its project, as that may train."""


@flow(name="watch", persist_result=False)
def watch(config: str, home: str | None = None, quiet_seconds: int = QUIET_SECONDS) -> State[Any]:
    """Starts the deployment `scheduled-refresh/refresh` where files of the sources are new, changed or gone.

    It only looks. One state of the files starts one run, however often it is seen: a run that failed is started again
    by the next change, by the nightly one, or by hand.
    """
    path = Path(config)
    plan = _plan(path, home)
    wanted = plan.specs["ingest"].reference
    if plan.store.find(wanted):
        return Completed(name="NothingNew", message="every file is in the store")
    if busy := being_written(plan, quiet_seconds, time.time()):
        return Completed(name="StillWritten", message=f"{busy} was written a moment ago; next time")
    started: Any = run_deployment(
        REFRESH,
        parameters={"config": config, "home": home},
        timeout=0,
        idempotency_key=f"watch-{wanted.key}",
        as_subflow=False,
    )
    return Completed(name="Started", message=f"new files: {REFRESH} runs as {started.name}")


def being_written(plan: Plan, quiet_seconds: float, now: float) -> str | None:
    """A file of the sources, as its origin names it, that was written in the last seconds; None where all rest."""
    for planned in plan.files:
        age = now - planned.file.path.stat().st_mtime
        if 0 <= age < quiet_seconds:
            return f"{planned.file.source}:{planned.file.relative}"
    return None


@flow(name="cleanup", persist_result=False)
def cleanup(
    config: str, home: str | None = None, keep: int = 10, candidates: bool = False, dry_run: bool = True
) -> dict[str, Any]:
    """Takes away what nobody refers to, as `tuneloom gc` does, once no run of the project is under way; a `dry_run`
    only tells. What went, or would, is the artifact `cleanup`."""
    claim_this_run()
    path = Path(config)
    place = _home(path, home)
    say = get_run_logger().info
    store = store_of(load_config(path, []), path.parent, place, say)
    with lock(place / "locks" / "run.lock", "the runs of this project", LONGEST_WAIT, say):
        waste = look(store, place, keep, candidates)
        if not dry_run:
            clear(store, place, waste)
    told = lines(waste, done=not dry_run)
    create_markdown_artifact(key="cleanup", markdown="```\n" + "\n".join(told) + "\n```")
    return {**as_dict(waste), "removed": not dry_run}


def _plan(path: Path, home: str | None) -> Plan:
    tree = load_config(path, [])
    allow_hub(tree, path.parent)
    return make_plan(tree, path.parent, home=_home(path, home), say=get_run_logger().info)


def _home(path: Path, home: str | None) -> Path:
    return Path(home) if home else path.parent / ".tuneloom"
