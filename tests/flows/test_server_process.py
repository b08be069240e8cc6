"""The server ends with its parent, whatever ends the parent."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from flows.embedded_server import EmbeddedServer
from flows.server_process import ServerProcess
from tests.flows.conftest import living

Script = Callable[..., Popen]
GONE_SECONDS = 5

PARENT = """
import os, sys, time
from pathlib import Path
from flows.embedded_server import EmbeddedServer

server = EmbeddedServer.start(Path(sys.argv[1]), print)
if "ready" in sys.argv:
    server.wait_ready()
if "forked" in sys.argv and os.fork() == 0:
    time.sleep(60)  # a worker of a pool, which a kill -9 of its parent leaves behind
    os._exit(0)
print(server.child.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("when", ["booting", "ready", "ready forked"])
def test_kill_9_of_the_parent_leaves_no_server(when: str, home: Path, script: Script) -> None:
    if when == "booting":
        shutil.rmtree(home)  # then making the database takes seconds, in which it is killed
    parent = script(PARENT, str(home), *when.split())
    group = int(parent.stdout.readline())
    assert living(group)
    if when == "booting":
        time.sleep(1.5)
    parent.kill()
    assert _gone(group), living(group)


def test_a_killed_boot_leaves_a_database_that_boots(tmp_path: Path) -> None:
    home = tmp_path / ".tuneloom"
    child = ServerProcess.spawn(home, schedules=False)
    while not (home / "prefect" / "prefect.db").exists():
        assert not child.ended
        time.sleep(0.05)
    time.sleep(1)  # in the middle of making tables
    child.process.kill()
    child.end()
    with EmbeddedServer.start(home, print) as server:
        assert server.wait_ready() == server.api_url


def test_stop_leaves_no_process_and_an_open_port_to_nobody(home: Path) -> None:
    child = ServerProcess.spawn(home, schedules=False)
    child.end()  # while it boots
    assert child.ended
    assert not living(child.process.pid)


def test_it_listens_on_loopback_only(server: EmbeddedServer) -> None:
    assert server.child
    listening = {
        socket.laddr.ip
        for socket in psutil.Process(server.child.process.pid).net_connections()
        if socket.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_settings_of_another_server_do_not_reach_ours(home: Path, script: Script) -> None:
    elsewhere = {
        "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://nobody@localhost:1/none",
        "PREFECT_PROFILE": "elsewhere",
    }
    parent = script(PARENT, str(home), "ready", **elsewhere)
    assert parent.stdout.readline().strip().isdigit(), parent.stderr.read()


def _gone(group: int) -> bool:
    deadline = time.monotonic() + GONE_SECONDS
    while living(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
