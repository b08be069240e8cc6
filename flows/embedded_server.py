"""Our own Prefect server child: started before anything else, drained before the end, gone with its parent.

Prefect's ephemeral API loses task runs at exit and survives a kill -9 as an orphan. This one serves on a loopback
socket bound here, so its URL is known at once and requests simply wait while it boots; a pipe held by this process
tells it by end of file that we have ended. A standing server (PREFECT_API_URL, or a running `tuneloom ui`) is used
instead where there is one, and never stopped.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener
from uuid import UUID

from flows import server_child
from flows.settings import LOOPBACK, client_environment, offline_environment, server_environment
from tuneloom.artifacts.locks import lock
from tuneloom.errors import LockTimeout, NotPermitted, TuneloomError

FINAL_STATES = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class EmbeddedServer:
    """A Prefect API for this process: `with EmbeddedServer.start(home, print) as server: server.wait_ready()`."""

    def __init__(self, api_url: str, home: Path, child: "_Child | None", held: contextlib.ExitStack) -> None:
        self.api_url = api_url
        self.home = home
        self.child = child
        self._held = held

    @property
    def standing(self) -> bool:
        """True if somebody else's server is used: it is not stopped, and other runs may be in it."""
        return self.child is None

    @classmethod
    def start(
        cls, home: Path, say: Callable[[str], None], *, seconds: float = 3600, schedules: bool = False
    ) -> "EmbeddedServer":
        """Starts the server of the project folder `home` and returns while it boots; waits for another run's to end.

        From here to `stop` the environment names its URL. `schedules` also runs what deployments and automations
        need. Raises LockTimeout if another run keeps the home for longer than `seconds`.
        """
        held = contextlib.ExitStack()
        try:
            api_url = _lock_home(home, held, say, seconds)
            if api_url:
                _lay_over_environment(held, offline_environment() | {"PREFECT_API_URL": api_url})
                return cls(api_url, home, None, held)
            child = _Child.spawn(home, schedules)
            held.callback(child.end)
            _lay_over_environment(held, offline_environment() | client_environment(home, child.port))
        except BaseException:
            held.close()
            raise
        return cls(os.environ["PREFECT_API_URL"], home, child, held)

    def wait_ready(self, seconds: float = 120) -> str:
        """The API's URL, once it answers. Raises TuneloomError if it ends first or needs longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not _answers(self.api_url, max(0.1, min(5.0, deadline - time.monotonic()))):
            if self.child and self.child.process.poll() is not None:
                raise _not_started(f"it ended with status {self.child.process.returncode}", self.child.log)
            if time.monotonic() >= deadline:
                if self.child:
                    raise _not_started(f"it did not answer within {seconds:.0f} s", self.child.log)
                raise TuneloomError(
                    f"the Prefect server has not answered for {seconds:.0f} s",
                    where=f"PREFECT_API_URL={self.api_url}",
                    remedy="Start that server, or unset PREFECT_API_URL and one is started for the run.",
                )
            time.sleep(0.05)
        return self.api_url

    def drain(self, flow_run_ids: Iterable[UUID | str], expected: int, seconds: float = 60) -> None:
        """Waits until the server holds exactly `expected` task runs of these flow runs, all in a final state.

        Their states travel as events and are stored behind the run. Raises TuneloomError, with the counts, where
        that is not so after `seconds`.
        """
        from prefect.client.orchestration import get_client
        from prefect.logging.handlers import APILogHandler

        APILogHandler().flush()
        of_runs = {"flow_run_id": {"any_": [str(run) for run in flow_run_ids]}}
        final = of_runs | {"state": {"type": {"any_": list(FINAL_STATES)}}}
        deadline = time.monotonic() + seconds
        with get_client(sync_client=True) as client:
            while True:
                held, done = (
                    client.request("POST", "/task_runs/count", json={"task_runs": wanted}).json()
                    for wanted in (of_runs, final)
                )
                if held == done == expected:
                    return
                if held > expected or time.monotonic() >= deadline:
                    raise TuneloomError(
                        f"{expected} tasks ran, but Prefect holds {held} task runs, {done} of them in a final state",
                        where=self.api_url,
                        remedy="The artifacts are complete and a rerun reuses them; only Prefect's record is not.",
                    )
                time.sleep(0.1)

    def stop(self) -> None:
        """Ends the server and all its processes, frees the home, restores the environment. May be called twice."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _lock_home(home: Path, held: contextlib.ExitStack, say: Callable[[str], None], seconds: float) -> str | None:
    """Takes the home's lock into `held`, or returns the URL of a standing server, one that appears meanwhile too."""
    deadline, told = time.monotonic() + seconds, False
    path = home / "prefect.lock"
    while True:
        if api_url := standing_server(home):
            return api_url
        try:
            held.enter_context(lock(path, "the Prefect server of this project", seconds=0.2))
        except LockTimeout:
            if time.monotonic() >= deadline:
                raise LockTimeout(
                    f"another run has held the Prefect server of this project for {seconds:.0f} s",
                    where=str(path),
                    remedy="Wait for it to end, or end it, and run again; the lock goes when its process does.",
                ) from None
            if not told:
                say(f"another run holds the Prefect server of {home}; waiting up to {seconds:.0f} s")
                told = True
        except PermissionError as error:
            raise NotPermitted(
                "the project's folder cannot be written", where=str(path), remedy="Choose another with --home."
            ) from error
        else:
            return None


def standing_server(home: Path) -> str | None:
    """The URL of a server that is there already: PREFECT_API_URL, or that of a `tuneloom ui` that answers."""
    if named := os.environ.get("PREFECT_API_URL"):
        return named.rstrip("/")
    try:
        told = json.loads((home / "ui.json").read_text())
        api_url = str(told["api_url"])
        os.kill(int(told["pid"]), 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, KeyError):
        return None
    return api_url if _answers(api_url, 2.0) else None


def _answers(api_url: str, seconds: float) -> bool:
    """Whether anybody serves at `api_url`; a proxy is never asked, the answer itself does not matter."""
    try:
        build_opener(ProxyHandler({})).open(f"{api_url}/health", timeout=seconds).close()
    except HTTPError as error:
        return error.code < 500
    except (URLError, OSError):
        return False
    return True


class _Child:
    """The server's process, its port, and our end of the pipe that keeps it alive."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, lifeline: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.lifeline = lifeline
        self.log = log
        self.owner = os.getpid()

    @classmethod
    def spawn(cls, home: Path, schedules: bool) -> "_Child":
        (home / "prefect").mkdir(parents=True, exist_ok=True)
        log = home / "logs" / "prefect-server.log"
        log.parent.mkdir(exist_ok=True)
        theirs, lifeline = os.pipe()
        _lifelines.add(lifeline)
        with socket.create_server((LOOPBACK, 0), backlog=128) as listener, log.open("ab") as output:
            port = listener.getsockname()[1]
            settings = offline_environment() | server_environment(home, port, schedules)
            inherited = {key: value for key, value in os.environ.items() if key not in ("PREFECT_PROFILE",)}
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", server_child.__file__, str(listener.fileno())],
                    stdin=theirs,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=inherited | settings,
                    pass_fds=(listener.fileno(),),
                    start_new_session=True,
                    cwd=home,
                )
            finally:
                os.close(theirs)
        return cls(process, port, lifeline, log)

    def end(self) -> None:
        """Drops the pipe, gives the child time to store what it received, then kills what is left of its group."""
        if os.getpid() != self.owner:
            return
        _lifelines.discard(self.lifeline)
        os.close(self.lifeline)
        try:
            self.process.wait(server_child.GRACE_SECONDS + 5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


_lifelines: set[int] = set()


def _close_lifelines() -> None:
    for descriptor in _lifelines:
        os.close(descriptor)
    _lifelines.clear()


# A forked worker outlives a killed parent by a while; it must not keep the server alive.
os.register_at_fork(after_in_child=_close_lifelines)


def _lay_over_environment(held: contextlib.ExitStack, settings: dict[str, str]) -> None:
    """Sets environment variables until `held` is closed, for Prefect too where it is already imported."""
    before = {key: os.environ.get(key) for key in settings}

    def restore() -> None:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        _refresh_prefect()

    held.callback(restore)
    os.environ.update(settings)
    _refresh_prefect()


def _refresh_prefect() -> None:
    context = sys.modules.get("prefect.context")
    if context:
        context.refresh_global_settings_context()


def _not_started(why: str, log: Path) -> TuneloomError:
    lines = log.read_text(errors="replace").strip().splitlines() or ["it wrote nothing"]
    return TuneloomError(
        f"the Prefect server did not start: {why}; its last words: {lines[-1][:300]}",
        where=str(log),
        remedy="Look there for the reason; `make run` on a fresh .venv restores the versions that work together.",
    )
