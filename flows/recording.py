"""Waits until Prefect has stored what a run told it.

States of tasks, events and logs travel in the background and are stored behind the run; a server that is stopped
before loses them for ever.
"""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tuneloom.errors import TuneloomError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

FINAL_STATES = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
POLL_SECONDS = 0.05


def send_events_to(api_url: str | None) -> None:
    """Sends this process's events to the server at `api_url` from now on; None leaves it to Prefect again.

    Left to itself Prefect keeps the first server of a process for ever, and where that is gone it tries ten seconds
    long for each event, at exit too: an hour for a few hundred.
    """
    from prefect.events.clients import PrefectEventsClient
    from prefect.events.worker import EventsWorker

    if api_url:
        EventsWorker.set_client_override(PrefectEventsClient, api_url=api_url, reconnection_attempts=2)
    else:
        EventsWorker.set_client_override(None)


def wait_for_task_runs(flow_run_ids: Iterable[UUID | str], expected: int, seconds: float) -> None:
    """Waits until Prefect holds exactly `expected` task runs of these flow runs, all in a final state.

    Raises TuneloomError, with the counts, where that is not so after `seconds`, or there are more.
    """
    from prefect.client.orchestration import get_client

    runs = [str(run) for run in flow_run_ids]
    deadline = time.monotonic() + seconds
    with get_client(sync_client=True) as client:
        while True:
            done, held = _count_task_runs(client, runs, FINAL_STATES), _count_task_runs(client, runs)
            if done == held == expected:
                return
            if held > expected or time.monotonic() >= deadline:
                raise TuneloomError(
                    f"{expected} tasks ran, but Prefect holds {held} task runs, {done} of them in a final state",
                    where=str(client.api_url),
                    remedy="The artifacts are complete and a rerun reuses them; only Prefect's record is not.",
                )
            time.sleep(POLL_SECONDS)


def wait_for_events(seconds: float) -> bool:
    """Sends the logs and waits until all events of this process are stored; False where that took over `seconds`.

    Events are stored in the order in which they were sent: once a last one is there, so are all before it.
    """
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.events import emit_event
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()
    last = emit_event("tuneloom.process.done", {"prefect.resource.id": "tuneloom.process"})
    deadline = time.monotonic() + seconds
    try:
        with get_client(sync_client=True) as client:
            while last and not _is_stored(client, last.id):
                if time.monotonic() >= deadline:
                    return False
                time.sleep(POLL_SECONDS)
    except httpx.HTTPError:
        return False
    return last is not None


def _count_task_runs(client: "SyncPrefectClient", flow_runs: list[str], states: Sequence[str] = ()) -> int:
    wanted: dict[str, Any] = {"flow_run_id": {"any_": flow_runs}}
    if states:
        wanted["state"] = {"type": {"any_": list(states)}}
    return int(client.request("POST", "/task_runs/count", json={"task_runs": wanted}).json())


def _is_stored(client: "SyncPrefectClient", event: UUID) -> bool:
    wanted = {"filter": {"id": {"id": [str(event)]}}, "limit": 1}
    return bool(client.request("POST", "/events/filter", json=wanted).json()["events"])
