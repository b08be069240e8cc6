"""What a dead process left running is told as crashed; what may be alive is left alone."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import tags
from prefect.runtime import flow_run

from flows.embedded_server import EmbeddedServer
from flows.reconcile import TAG, claim_this_run, process_tag, reconcile
from flows.server_child import _wait_for_predecessor
from tuneloom.release.processes import process_mark

KILLED_IN_A_TASK = """
import os, signal, sys
from pathlib import Path
from flows.embedded_server import EmbeddedServer
from flows.reconcile import process_tag

with EmbeddedServer.start(Path(sys.argv[1]), print) as server:
    server.wait_ready()
    from prefect import flow, tags, task
    from flows.recording import wait_for_events

    @task
    def die():
        wait_for_events(30)
        os.kill(os.getpid(), signal.SIGKILL)

    @flow(name="killed")
    def killed():
        die()

    with tags(process_tag()):
        killed()
"""


def test_a_run_killed_with_9_is_crashed_at_the_next_start(home: Path, script: Callable[..., Popen]) -> None:
    process = script(KILLED_IN_A_TASK, str(home))
    process.communicate(timeout=120)
    os.close(_wait_for_predecessor(home / "prefect" / "server.lock"))  # the server stores what it has received
    assert _states(home) == {"flow_run": ["RUNNING"], "task_run": ["RUNNING"]}
    with EmbeddedServer.start(home, print) as server:
        server.wait_ready()
        assert len(reconcile(server.standing)) == 1
        assert reconcile(server.standing) == []
    assert _states(home) == {"flow_run": ["CRASHED"], "task_run": ["CRASHED"]}


def test_our_own_server_holds_no_other_living_run(server: EmbeddedServer) -> None:
    run = _leave_running(tags=[])
    assert run.name in reconcile(server.standing)
    assert run.state().type == "CRASHED"
    assert "Run the same command again" in run.state().message


def test_a_living_process_keeps_its_run(server: EmbeddedServer) -> None:
    run = _leave_running(tags=[process_tag()])
    assert run.name not in reconcile(server.standing)
    assert run.state().type == "RUNNING"
    assert run.task_state().type == "RUNNING"


@pytest.mark.parametrize(("whose", "ends_as"), [("ours, dead", "CRASHED"), ("ours, alive", "RUNNING"), ("", "RUNNING")])
def test_in_a_standing_server_only_our_dead_are_touched(whose: str, ends_as: str, server: EmbeddedServer) -> None:
    run = _leave_running(tags={"ours, dead": [_dead_tag()], "ours, alive": [process_tag()], "": []}[whose])
    assert (run.name in reconcile(standing=True)) == (ends_as == "CRASHED")
    assert run.state().type == run.task_state().type == ends_as


def test_a_deployed_run_is_tagged_by_its_process_and_tells_what_dead_ones_left(server: EmbeddedServer) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.states import Pending

    left = _leave_running(tags=[_dead_tag()])

    @flow
    def deployed() -> str:
        claim_this_run()
        return str(flow_run.id)

    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(client.create_flow(deployed), "waits")
        resumed = client.create_flow_run_from_deployment(deployment, state=Pending(), tags=[_dead_tag()])
        with tags("theirs", _dead_tag()):
            run = client.read_flow_run(deployed())
        assert sorted(run.tags) == sorted(["theirs", process_tag()])
        assert left.state().type == left.task_state().type == "CRASHED"
        assert client.read_flow_run(resumed.id).state_type == "PENDING"  # its next process is about to start


def _dead_tag() -> str:
    ended = Popen(["sleep", "60"])
    tag = TAG + process_mark(ended.pid)
    ended.kill()
    ended.wait()
    return tag


def _leave_running(tags: list[str]) -> Any:
    """A flow run and its task run, both RUNNING, with nobody behind them."""
    from prefect import flow, task
    from prefect.client.orchestration import get_client
    from prefect.states import Running

    @flow
    def left() -> None: ...

    @task
    def left_too() -> None: ...

    with get_client(sync_client=True) as client:
        run = client.create_flow_run(left, tags=tags, state=Running())
        step = client.create_task_run(left_too, run.id, dynamic_key="0", state=Running())

    def ask(read: str, which: Any) -> Any:
        with get_client(sync_client=True) as client:
            return getattr(client, read)(which).state

    return SimpleNamespace(
        name=run.name,
        state=lambda: ask("read_flow_run", run.id),
        task_state=lambda: ask("read_task_run", step.id),
    )


def _states(home: Path) -> dict[str, list[str]]:
    with sqlite3.connect(home / "prefect" / "prefect.db") as database:
        tables = ("flow_run", "task_run")
        return {t: [state for (state,) in database.execute(f"select state_type from {t}")] for t in tables}
