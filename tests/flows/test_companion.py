"""A companion ends with its starter, whatever ends that, and takes its own children along."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from flows import companion
from tests.flows.conftest import living

STARTER = """
import subprocess, sys, time
from flows import companion
command = [sys.executable, "-c", "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"]
child = subprocess.Popen(
    [sys.executable, "-P", companion.__file__, *command], stdin=subprocess.PIPE, start_new_session=True
)
print(child.pid, flush=True)
time.sleep(600)
"""


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert true()


def test_it_and_its_children_end_when_the_starter_is_killed(script: Callable[..., subprocess.Popen[str]]) -> None:
    starter = script(STARTER, PYTHONPATH=os.pathsep.join(sys.path))
    assert starter.stdout
    group = int(starter.stdout.readline())
    wait_until(lambda: len(living(group)) == 3)
    starter.send_signal(signal.SIGKILL)
    wait_until(lambda: not living(group))


STUBBORN = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()  # as Prefect's worker starts flow runs
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid(), flush=True)
    time.sleep(600)
if sys.argv[1] == "waits":
    time.sleep(600)
"""


@pytest.mark.parametrize("program", ["waits", "ends by itself"])
def test_a_grandchild_that_ignores_the_request_in_a_session_of_its_own_is_killed(program: str) -> None:
    shorter = "import sys; from flows import companion; companion.GRACE_SECONDS = 0.5; sys.exit(companion.main())"
    command = [sys.executable, "-c", shorter, sys.executable, "-c", STUBBORN, program]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, env=env
    ) as process:
        assert process.stdout
        assert process.stdin
        grandchild = int(process.stdout.readline())
        if program == "waits":
            process.stdin.close()
        process.wait(30)
    wait_until(lambda: not psutil.pid_exists(grandchild))


def test_its_exit_code_is_the_programs() -> None:
    command = [sys.executable, "-P", companion.__file__, sys.executable, "-c", "raise SystemExit(7)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        assert process.wait(30) == 7
    assert not psutil.pid_exists(process.pid)
