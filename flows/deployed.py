"""The flows that deployments start: a refresh that reads its config file when it runs, and moves of the aliases.

`flows.refresh:refresh` itself is deployed too, for runs by hand: its form is the config's tree.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, tags
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.runtime import flow_run as this_run
from prefect.states import Completed, State

from flows.project import remember
from flows.reconcile import process_tag
from flows.refresh import refresh
from tuneloom.config_file import load_config
from tuneloom.plan import make_plan
from tuneloom.release.by_hand import Move, promote_by_hand, roll_back


def _name() -> str:
    return f"{Path(this_run.parameters['config']).parent.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


@flow(name="scheduled-refresh", flow_run_name=_name, persist_result=False)
def scheduled_refresh(
    config: str, home: str | None = None, settings: list[str] | None = None
) -> State[Any] | dict[str, str]:
    """Runs the pipeline of a config file where anything is new; else ends at once as `NothingToDo`.

    `settings` are overrides such as `train.rank=4`. Raises what the pipeline raises.
    """
    path = Path(config)
    tree, say = load_config(path, settings or []), get_run_logger().info
    plan = make_plan(tree, path.parent, home=Path(home) if home else None, say=say)
    if None not in dict(plan.reusable()).values():
        return Completed(name="NothingToDo", message="nothing to do: every stage is in the store")
    plan.home.mkdir(parents=True, exist_ok=True)
    remember(plan, path, settings or [])
    with tags(process_tag()):
        return refresh(tree, path.parent, home=plan.home)


@flow(name="promote", persist_result=False)
def promote(model: str, home: str, override: str | None = None) -> str:
    """Makes `models:/NAME/3` the champion where its verdict allows it, or `override` says why all the same."""
    return _told(promote_by_hand(Path(home), model, override), "promoted")


@flow(name="rollback", persist_result=False)
def rollback(name: str, home: str, reason: str) -> str:
    """Makes the champion before the present one champion again."""
    return _told(roll_back(Path(home), name, reason), "rolled-back")


def _told(move: Move, what: str) -> str:
    """Tells automations and the log."""
    payload = {"before": move.before, "after": move.after}
    emit_event(
        f"tuneloom.model.{what}", resource={"prefect.resource.id": f"tuneloom.model.{move.name}"}, payload=payload
    )
    get_run_logger().info(move.told)
    return move.told
