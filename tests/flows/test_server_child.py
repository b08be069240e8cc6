import os
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

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


def test_the_first_server_of_a_home_waits_for_nobody(tmp_path: Path) -> None:
    os.close(_wait_for_predecessor(tmp_path / "server.lock"))
    os.close(_wait_for_predecessor(tmp_path / "server.lock"))
