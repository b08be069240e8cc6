"""The flows that deployments start: a refresh that reads its config file when it runs, and moves of the aliases.

`flows.refresh:refresh` itself is deployed too, for runs by hand: its form is the config's tree.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, tags
from prefect.events import emit_event
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.logging import get_run_logger
from prefect.runtime import flow_run as this_run
from prefect.states import Completed, State

from flows.commands.review import take_in
from flows.project import remember
from flows.reconcile import claim_this_run, process_tag
from flows.refresh import refresh
from flows.settings import allow_hub
from tuneloom.config_file import load_config
from tuneloom.errors import ConfigError
from tuneloom.novelty import too_little_new
from tuneloom.plan import Plan, make_plan
from tuneloom.release.by_hand import Move, promote_by_hand, roll_back

REVIEW_SECONDS = 14 * 24 * 3600
"""How long a run waits for reviewers before it fails."""


class Reviewed(RunInput):
    """What a person hands in to let a waiting run go on."""

    sheet: str
    """The filled sheet, a path on the worker's machine; empty: go on without the held rows."""


def _name() -> str:
    return f"{Path(this_run.parameters['config']).parent.name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


@flow(name="scheduled-refresh", flow_run_name=_name, persist_result=True)
def scheduled_refresh(
    config: str, home: str | None = None, settings: list[str] | None = None, wait_for_review: bool = False
) -> State[Any] | dict[str, str]:
    """Runs the pipeline of a config file where anything is new; else ends at once as `NothingToDo`.

    `settings` are overrides such as `train.rank=4`. With `wait_for_review` a run that holds rows is suspended until a
    person hands in the filled sheet. Where fewer training rows changed since the last release than `budgets.fresh` asks
    for, it prepares the data and ends as `NotEnoughNew`. Raises what the pipeline raises.
    """
    claim_this_run()
    path = Path(config)
    plan = _plan(path, home, settings)
    if None not in dict(plan.reusable()).values():
        return Completed(name="NothingToDo", message="nothing to do: every stage is in the store")
    plan.home.mkdir(parents=True, exist_ok=True)
    remember(plan, path, settings or [])
    with tags(process_tag()):
        if wait_for_review:
            refresh(plan.config, path.parent, until="review", home=plan.home)
            _wait_for_review(_plan(path, home, settings))
        if plan.config.budgets.fresh and (too_little := _too_little(path, home, settings)):
            return Completed(name="NotEnoughNew", message=too_little)
        return refresh(plan.config, path.parent, home=plan.home)


def _plan(path: Path, home: str | None, settings: list[str] | None) -> Plan:
    tree, say = load_config(path, settings or []), get_run_logger().info
    allow_hub(tree, path.parent)
    return make_plan(tree, path.parent, home=Path(home) if home else None, say=say)


def _too_little(path: Path, home: str | None, settings: list[str] | None) -> str | None:
    """Why training waits for more data, once the data are prepared; None where it does not."""
    plan = _plan(path, home, settings)
    if None in dict(plan.reusable("mixture")).values():
        refresh(plan.config, path.parent, until="mixture", home=plan.home)
    return too_little_new(_plan(path, home, settings))


def _wait_for_review(plan: Plan) -> None:
    """Suspends the flow run where rows are held: the process ends, and at the person's word the run starts again from
    its beginning, finds its stages in the store, and comes here with the answer."""
    held = plan.artifact("review")
    if not held.manifest.counts.held:
        return
    if plan.config.review.decisions is None:
        raise ConfigError(
            "a run that waits for reviewers has no file for what they decide",
            where="review.decisions",
            remedy="Name one, such as `decisions.jsonl`, or run without `wait_for_review`.",
        )
    from tuneloom.review.sheet import SHEETS, write_sheet

    sheet = plan.home / SHEETS / f"{held.reference.key}.csv"
    if not sheet.exists():  # else somebody may be filling it in
        sheet.parent.mkdir(exist_ok=True)
        write_sheet(held, sheet)
    what = f"{held.manifest.counts.held} rows are held. Fill in `{sheet}` (decision, reviewer, reason) and go on."
    asked = Reviewed.with_initial_data(description=what, sheet=str(sheet))
    answer = suspend_flow_run(wait_for_input=asked, timeout=REVIEW_SECONDS, key=f"review-{held.reference.key}")
    if answer.sheet:
        told = take_in(plan, Path(answer.sheet))
        get_run_logger().info(f"review: {told['decided']} rows decided, {told['open']} left open")


@flow(name="promote", persist_result=False)
def promote(model: str, home: str, by: str, override: str | None = None) -> str:
    """Makes `models:/NAME/3` the champion where its verdict allows it, or `override` says why all the same; `by` is
    who wants it, for the flow runs as the worker's user."""
    return _told(promote_by_hand(Path(home), model, override, by), "promoted")


@flow(name="rollback", persist_result=False)
def rollback(name: str, home: str, by: str, reason: str) -> str:
    """Makes the champion before the present one champion again; `by` is who wants it."""
    return _told(roll_back(Path(home), name, reason, by), "rolled-back")


def _told(move: Move, what: str) -> str:
    """Tells automations and the log."""
    payload = {"before": move.before, "after": move.after}
    emit_event(
        f"tuneloom.model.{what}", resource={"prefect.resource.id": f"tuneloom.model.{move.name}"}, payload=payload
    )
    get_run_logger().info(move.told)
    return move.told
