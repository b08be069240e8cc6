"""Our side of the embedded server's process: starts it on a socket bound here, holds the pipe that keeps it alive."""

import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from flows import server_child
from flows.settings import LOOPBACK, offline_environment, server_environment

_lifelines: set[int] = set()


@dataclass(frozen=True)
class ServerProcess:
    """A running child, its port, and our end of the pipe whose end of file tells it that we are gone."""

    process: subprocess.Popen[bytes]
    port: int
    lifeline: int
    log: Path
    log_start: int
    owner: int
    """The process that started it; a fork of that one must leave it alone."""

    @classmethod
    def spawn(cls, home: Path, schedules: bool, port: int = 0) -> "ServerProcess":
        """Starts the server of `home`, in a session of its own; it listens at once and answers when it has booted."""
        log = home / "logs" / "prefect-server.log"
        for folder in (home / "prefect", log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        theirs, lifeline = os.pipe()
        _lifelines.add(lifeline)
        with socket.create_server((LOOPBACK, port), backlog=128) as listener, log.open("ab") as output:
            start = output.tell()
            port = listener.getsockname()[1]
            # What the user set for another server, a database say, is not for this one.
            inherited = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", server_child.__file__, str(listener.fileno())],
                    stdin=theirs,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=inherited | offline_environment() | server_environment(home, port, schedules),
                    pass_fds=(listener.fileno(),),
                    start_new_session=True,
                    cwd=home,  # a prefect.toml where the user stands is not for this server
                )
            finally:
                os.close(theirs)
        return cls(process, port, lifeline, log, start, os.getpid())

    @property
    def ended(self) -> bool:
        """Whether it has ended, by itself or not."""
        return self.process.poll() is not None

    def last_words(self) -> str:
        """The last error in what it wrote, or its last line: `sqlite3.DatabaseError: file is not a database`."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read().decode(errors="replace").split("\n")
        lines = [line for line in lines if line.strip()] or ["it wrote nothing"]
        errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit)\b", line)]
        return (errors or lines)[-1][:300]

    def end(self) -> None:
        """Drops the pipe, gives the child time to store what it received, then kills what is left of its group."""
        _lifelines.discard(self.lifeline)
        os.close(self.lifeline)
        try:
            self.process.wait(server_child.GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _close_lifelines() -> None:
    for descriptor in _lifelines:
        os.close(descriptor)
    _lifelines.clear()


# A forked worker outlives a killed parent by a while; it must not keep the server alive.
os.register_at_fork(after_in_child=_close_lifelines)
