"""The embedded Prefect server's own process: serves on a socket it was given, and ends when its parent does.

Started by `flows.embedded_server` in a session of its own: `python -P server_child.py SOCKET_FD`. Standard input is
a pipe that only the parent holds: end of file, at any time, means that the parent is done or dead.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

GRACE_SECONDS = 3.0
"""How long a server without a parent may take to store what it has received."""


def main() -> None:
    """Serves until standard input ends."""
    serving: list[uvicorn.Server] = []
    threading.Thread(target=_end_with_parent, args=(serving,), daemon=True).start()
    listener = socket.socket(fileno=int(sys.argv[1]))
    alone = _wait_for_predecessor(Path(os.environ["PREFECT_HOME"]) / "server.lock")

    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app(final=True), log_level="warning", timeout_graceful_shutdown=1)
    serving.append(uvicorn.Server(config))
    serving[0].run(sockets=[listener])
    os.close(alone)


def _end_with_parent(serving: list[uvicorn.Server]) -> None:
    """Waits for the end of standard input, lets a server that serves finish, then kills the whole process group."""
    while os.read(0, 1):
        pass
    if serving and serving[0].started:
        serving[0].should_exit = True
        time.sleep(GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _wait_for_predecessor(path: Path) -> int:
    """Holds `path` until the process ends: the last server, its parent killed, may still be storing its events."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


if __name__ == "__main__":
    main()
