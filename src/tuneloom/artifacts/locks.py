"""A lock that dies with its process: `fcntl.flock` on a file, with a deadline and a message for whoever waits.

Prefect's file lock outlives a crash and hangs the rerun; this one is the kernel's. Children must not keep it open:
the descriptor is not inherited over exec, and a forked child closes it.
"""

import contextlib
import fcntl
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tuneloom.errors import LockTimeout

_held: set[int] = set()


REMIND_SECONDS = 60.0
"""How often whoever waits is told that it still does."""


@contextlib.contextmanager
def lock(path: Path, what: str, seconds: float = 3600, say: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the lock file `path` for the block; waits up to `seconds`, telling `say` at once and then every minute
    which process it waits for.

    Raises LockTimeout after the deadline.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    _held.add(descriptor)
    try:
        _acquire(descriptor, path, what, seconds, say or (lambda message: None))
        _sign(descriptor)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, what: str, seconds: float, say: Callable[[str], None]) -> None:
    started = time.monotonic()
    remind = started
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            if now >= started + seconds:
                raise LockTimeout(
                    f"{_holder(descriptor)} has held {what} for {seconds:.0f} s",
                    where=str(path),
                    remedy="Wait for it to end, or end it, and run again; the lock goes when its process does.",
                ) from None
            if now >= remind:
                say(f"{_holder(descriptor)} holds {what}; waiting {started + seconds - now:.0f} s more at most")
                remind = now + REMIND_SECONDS
            time.sleep(0.05)
        else:
            return


def _sign(descriptor: int) -> None:
    """Leaves the holder's name in the lock file, for whoever waits to read."""
    signature = f"process {os.getpid()} on {platform.node()} (since {time.strftime('%F %T')})".encode()
    os.pwrite(descriptor, signature, 0)
    os.ftruncate(descriptor, len(signature))


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 300, 0).decode("utf-8", "replace") or "another process"


def _close_in_child() -> None:
    for descriptor in list(_held):
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)
