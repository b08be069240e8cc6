import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from flows.server_child import _wait_for_predecessor

HOLDER = """
import sys, time
from pathlib import Path
from flows.server_child import _wait_for_predecessor

_wait_for_predecessor(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_a_server_waits_until_the_last_one_has_stored_its_events(tmp_path: Path, script: Callable[..., Popen]) -> None:
    first = script(HOLDER, str(tmp_path / "server.lock"))
    assert first.stdout.readline() == "held\n"
    second = script(HOLDER, str(tmp_path / "server.lock"))
    os.set_blocking(second.stdout.fileno(), False)
    time.sleep(0.5)
    assert not second.stdout.readline()
    first.kill()
    os.set_blocking(second.stdout.fileno(), True)
    assert second.stdout.readline() == "held\n"


def test_the_first_server_of_a_home_waits_for_nobody_and_the_next_for_it(tmp_path: Path) -> None:
    held = _wait_for_predecessor(tmp_path / "server.lock")
    with (tmp_path / "server.lock").open() as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(held)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
