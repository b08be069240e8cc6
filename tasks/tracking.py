"""The MLflow run of a flow run: opened by the first stage that needs it, ended with the flow, however that ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from tasks.run import Run
from tuneloom.errors import TuneloomError
from tuneloom.release.tracking import Status, Tracking, open_tracking, reconcile
from tuneloom.summary import stage_metrics

_open: dict[str, Tracking] = {}


@contextmanager
def tracked(run: Run) -> Iterator[None]:
    """Ends the MLflow run that the block opens, if it does: FINISHED, FAILED by an error, KILLED where it is stopped.

    The steps still waiting are written first. MLflow's own trouble never hides the error that ended the block.
    """
    try:
        yield
    except BaseException as error:
        try:
            _close(run, "FAILED" if isinstance(error, Exception) else "KILLED")
        except TuneloomError as further:
            run.say(str(further))
        raise
    _close(run, "FINISHED")


def run_tracking(run: Run) -> Tracking:
    """The open MLflow run of this flow run. A run whose training was cut short starts a new one."""
    plan = run.plan
    if plan.record.identity in _open:
        return _open[plan.record.identity]
    for ended in reconcile(plan.home):
        run.say(f"MLflow run {ended} was left running by a process that died; marked KILLED")
    trained = plan.store.find(plan.specs["train"].reference) is not None
    tracking = open_tracking(
        plan.home,
        plan.config.name,
        f"{plan.config.name} {plan.record.started}",
        {"tuneloom.run": plan.record.identity, "tuneloom.flow_run": plan.record.flow_run_id or ""},
        plan.record.mlflow_run_id if trained else None,
    )
    run.use_tracking(tracking.run_id)
    _open[plan.record.identity] = tracking
    return tracking


def _close(run: Run, status: Status) -> None:
    """Ends the MLflow run, where one is open."""
    if tracking := _open.pop(run.plan.record.identity, None):
        found = dict(run.plan.found())
        done = sum(artifact is not None for artifact in found.values())  # a resume that came further logs more
        tracking.log_step(stage_metrics(found), done, "stage")
        tracking.close(status)
