"""The server holds exactly the task runs that ran, all in a final state (the ephemeral API kept 24 of 100)."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import pytest

from flows.embedded_server import EmbeddedServer
from flows.recording import wait_for_events
from tuneloom.errors import TuneloomError

FAILING = """
import sys
from pathlib import Path
from flows.embedded_server import EmbeddedServer

with EmbeddedServer.start(Path(sys.argv[1]), print) as server:
    server.wait_ready()
    from prefect import flow, get_run_logger, task

    @task
    def step(number):
        get_run_logger().info("step %s", number)
        if number == 29:
            raise ValueError("row 7 has no answer")

    @flow(name="failing")
    def failing():
        for number in range(30):
            step(number)

    failing()
"""


def test_a_flow_of_100_tasks_is_held_whole_and_final(server: EmbeddedServer) -> None:
    run = _run_flow(tasks=100)
    server.drain([run], expected=100)
    assert _states(server.home, run) == {"COMPLETED": 100}


def test_a_missing_task_run_is_told_with_the_counts(server: EmbeddedServer) -> None:
    run = _run_flow(tasks=3)
    with pytest.raises(TuneloomError, match="4 tasks ran, but Prefect holds 3 task runs, 3 of them in a final state"):
        server.drain([run], expected=4, seconds=2)


def test_a_task_run_too_many_is_told_at_once(server: EmbeddedServer) -> None:
    run = _run_flow(tasks=3)
    server.drain([run], expected=3)
    with pytest.raises(TuneloomError, match="2 tasks ran, but Prefect holds 3"):
        server.drain([run], expected=2, seconds=600)


def test_events_sent_before_are_stored_after(server: EmbeddedServer) -> None:
    from prefect.events import emit_event

    name = f"tuneloom.test.{uuid4()}"
    for number in range(200):
        emit_event(name, {"prefect.resource.id": f"test.{number}"})
    assert wait_for_events(30)
    with sqlite3.connect(server.home / "prefect" / "prefect.db") as database:
        assert database.execute("select count(*) from events where event = ?", [name]).fetchone() == (200,)


def test_a_run_that_fails_is_recorded_whole_although_nobody_drains(home: Path, script: Callable[..., Popen]) -> None:
    process = script(FAILING, str(home))
    _, told = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "row 7 has no answer" in told
    with sqlite3.connect(home / "prefect" / "prefect.db") as database:
        count = "select state_type, count(*) from {} group by 1 order by 1"
        assert database.execute(count.format("flow_run")).fetchall() == [("FAILED", 1)]
        assert database.execute(count.format("task_run")).fetchall() == [("COMPLETED", 29), ("FAILED", 1)]
        assert database.execute("select count(*) from log where message like 'step %'").fetchone() == (30,)
        ended = "select count(*) from events where event in ('prefect.task-run.Completed', 'prefect.task-run.Failed')"
        assert database.execute(ended).fetchone() == (30,)


def _run_flow(tasks: int) -> str:
    from prefect import flow, task

    @task
    def step(number: int) -> int:
        return number

    @flow(name="counted")
    def counted() -> None:
        for number in range(tasks):
            step(number)

    return str(counted(return_state=True).state_details.flow_run_id)


def _states(home: Path, run: str) -> dict[str, int]:
    with sqlite3.connect(home / "prefect" / "prefect.db") as database:
        query = "select state_type, count(*) from task_run where flow_run_id = ? group by 1"
        return dict(database.execute(query, [run]).fetchall())
