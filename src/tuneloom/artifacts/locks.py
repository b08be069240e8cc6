"""A lock that dies with its process: `fcntl.flock` on a file, with a deadline and a message for whoever waits.

Prefect's file lock outlives a crash and hangs the rerun; this one is the kernel's. Children must not keep it open:
the descriptor is not inherited over exec, and a forked child closes it.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tuneloom.errors import LockTimeout

_held: set[int] = set()


@contextlib.contextmanager
def lock(path: Path, what: str, seconds: float = 3600, say: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the lock file `path` for the block; waits up to `seconds`, telling `say` once that it waits.

    Raises LockTimeout after the deadline.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    _held.add(descriptor)
    try:
        _acquire(descriptor, path, what, seconds, say)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, what: str, seconds: float, say: Callable[[str], None] | None) -> None:
    deadline, told = time.monotonic() + seconds, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockTimeout(
                    f"another process has held {what} for {seconds:.0f} s",
                    where=str(path),
                    remedy="Wait for it to end, or end it, and run again; the lock goes when its process does.",
                ) from None
            if say and not told:
                say(f"another process holds {what}; waiting up to {seconds:.0f} s")
                told = True
            time.sleep(0.05)
        else:
            return


def _close_in_child() -> None:
    for descriptor in list(_held):
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)
