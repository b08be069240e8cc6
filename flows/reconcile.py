"""What a dead process left running in Prefect is marked crashed at the next start, so that the UI tells the truth.

Prefect itself only notices by an automation on missing heartbeats. In our embedded server nothing else can be
running, because we hold the home's lock; in a standing server the tag of `process_tag` says whose a run was.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tuneloom.release.processes import is_dead, process_mark

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

TAG = "tuneloom-process:"
PAGE = 200
UNFINISHED = ["RUNNING", "PENDING", "CANCELLING"]


def process_tag() -> str:
    """The tag that a flow run of this process carries: `tuneloom-process:HOST:PID:START`."""
    return TAG + process_mark()


def claim_this_run() -> None:
    """Tags the flow run that this is as this process's, where it is not yet, and reconciles the server it is in.

    For deployed flows: what a worker starts bears no tag, and after a suspension that of an earlier process.
    """
    from prefect.client.orchestration import get_client
    from prefect.logging import get_run_logger
    from prefect.runtime import flow_run

    if flow_run.id is None or process_tag() in flow_run.tags:
        return
    others = [tag for tag in flow_run.tags if not tag.startswith(TAG)]
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, tags=[*others, process_tag()])
    for name in reconcile(standing=True):
        get_run_logger().warning(f"flow run {name} was left running by a process that died; marked CRASHED")


def reconcile(standing: bool) -> list[str]:
    """Marks the flow and task runs of dead processes CRASHED; returns the names of the flow runs. Call it before a run.

    A run tagged by a living process is left alone; and where the server is a `standing` one, so is a run without our
    tag, and one that a worker is about to start (again).
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter
    from prefect.states import Crashed

    runs = FlowRunFilter.model_validate({"state": {"type": {"any_": UNFINISHED}}})
    awaiting_retry = "SCHEDULED"
    tasks: dict[str, Any] = {"state": {"type": {"any_": [*UNFINISHED, awaiting_retry]}}}
    with get_client(sync_client=True) as client:
        found = list(_pages(client.read_flow_runs, flow_run_filter=runs))
        dead = {run.id: run for run in found if _is_dead(run, standing)}
        alive = {run.id for run in found} - set(dead)
        if standing:
            tasks["flow_run_id"] = {"any_": [str(run) for run in dead]}
        left = list(_pages(client.read_task_runs, task_run_filter=TaskRunFilter.model_validate(tasks)))
        for task in left:
            if task.flow_run_id not in alive:
                client.set_task_run_state(task.id, Crashed(message="Its flow run's process is gone."), force=True)
        for run in dead.values():
            client.set_flow_run_state(run.id, Crashed(message=_epitaph(run)), force=True)
    return [run.name for run in dead.values()]


def _pages(read: Callable[..., list[Any]], **wanted: Any) -> Iterator[Any]:
    """All answers of a paged query; read them all before changing what it asks for."""
    offset = 0
    while page := read(**wanted, limit=PAGE, offset=offset):
        yield from page
        offset += len(page)


def _is_dead(run: "FlowRun", standing: bool) -> bool:
    if standing and run.deployment_id and run.state_type == "PENDING":
        return False
    marks = [tag.removeprefix(TAG) for tag in run.tags if tag.startswith(TAG)]
    return any(is_dead(mark) for mark in marks) if marks else not standing


def _epitaph(run: "FlowRun") -> str:
    tags = [tag.removeprefix(TAG) for tag in run.tags if tag.startswith(TAG)]
    whose = f"process {tags[0]}" if tags else "a process that left no name"
    return (
        f"The run's process ({whose}) ended without a word: killed, out of memory, or the machine went down. "
        "Found at the next start. Run the same command again: it goes on from what is finished."
    )
