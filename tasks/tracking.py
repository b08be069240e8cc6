"""The MLflow run of a flow run: opened once, gone on with by a resume, closed by the release."""

from tasks.run import Run
from tuneloom.release.tracking import Tracking, open_tracking, reconcile

_open: dict[str, Tracking] = {}


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


def close_tracking(run: Run, status: str) -> None:
    """Ends the MLflow run, where one is open."""
    tracking = _open.pop(run.plan.record.identity, None)
    if tracking:
        tracking.close(status)  # type: ignore[arg-type]
