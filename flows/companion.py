"""A program that ends with its starter, even where that is killed: `python -P companion.py COMMAND...`.

Standard input is a pipe that only the starter holds; its end of file ends the program and all that it started, those
in sessions of their own too (Prefect's worker starts flow runs so). The same where the program ends by itself.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import psutil

GRACE_SECONDS = 10.0
"""How long they may take to end once they are asked to."""


def main() -> int:
    """Runs the command; returns its exit code."""
    _adopt_orphans()
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pipe ends us, after our children
    threading.Thread(target=_end_with_starter, daemon=True).start()
    code = _wait_for(program.pid)
    _end_children()
    return code


def _adopt_orphans() -> None:
    """Makes this process the parent of what its children leave behind, so that it is still found here."""
    if sys.platform == "linux":
        set_child_subreaper = 36  # prctl(2)
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def _wait_for(pid: int) -> int:
    """The exit code of a child; adopted ones that end meanwhile are taken note of, else they would stay as zombies."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def _end_with_starter() -> None:
    while os.read(0, 1):
        pass
    _end_children()


def _end_children() -> None:
    """Asks all to end, and kills those that have not after the grace."""
    for child in _children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := _children()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for child in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _children() -> list[psutil.Process]:
    """Children and theirs that have not ended."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


if __name__ == "__main__":
    sys.exit(main())
