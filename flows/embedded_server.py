"""Our own Prefect server child: started before anything else, drained before the end, gone with its parent.

Prefect's ephemeral API loses task runs at exit and survives a kill -9 as an orphan. This one serves on a loopback
socket bound here, so its URL is known at once and requests simply wait while it boots; a pipe held by this process
tells it by end of file that we have ended. A standing server (PREFECT_API_URL, or a running `tuneloom ui`) is used
instead where there is one, and never stopped.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener
from uuid import UUID

from flows.server_process import ServerProcess
from flows.settings import client_environment, offline_environment
from flows.standing_note import read_note
from tuneloom.artifacts.locks import lock
from tuneloom.errors import LockTimeout, NotPermitted, TuneloomError

SETTLE_SECONDS = 10.0
"""How long a stop waits for what was sent to be stored."""


class EmbeddedServer:
    """A Prefect API for this process: `with EmbeddedServer.start(home, print) as server: server.wait_ready()`."""

    def __init__(
        self,
        api_url: str,
        home: Path,
        child: ServerProcess | None,
        held: contextlib.ExitStack,
        say: Callable[[str], None],
    ) -> None:
        self.api_url = api_url
        self.home = home
        self.child = child
        self._held = held
        self._say = say
        self._ready = False

    @property
    def standing(self) -> bool:
        """True if somebody else's server is used: it is not stopped, and other runs may be in it."""
        return self.child is None

    @classmethod
    def start(
        cls,
        home: Path,
        say: Callable[[str], None],
        *,
        seconds: float = 3600,
        schedules: bool = False,
        port: int = 0,
    ) -> "EmbeddedServer":
        """Starts the server of the project folder `home` and returns while it boots; waits for another run's to end.

        From here to `stop` the environment names its URL. `schedules` also runs what deployments and automations
        need; `port` 0 is any free one. Raises LockTimeout if another run keeps the home for longer than `seconds`.
        """
        held = contextlib.ExitStack()
        try:
            api_url = _lock_home(home, held, say, seconds)
            if api_url:
                _lay_over_environment(held, offline_environment() | {"PREFECT_API_URL": api_url})
                return cls(api_url, home, None, held, say)
            child = ServerProcess.spawn(home, schedules, port)
            held.callback(child.end)
            _lay_over_environment(held, offline_environment() | client_environment(home, child.port))
        except BaseException:
            held.close()
            raise
        return cls(os.environ["PREFECT_API_URL"], home, child, held, say)

    def wait_ready(self, seconds: float = 120) -> str:
        """The API's URL, once it answers. Raises TuneloomError if it ends first or needs longer than `seconds`."""
        deadline = time.monotonic() + seconds
        if self.child:
            from flows.recording import send_events_to

            send_events_to(self.api_url)  # imports Prefect, which takes no longer than the boot that we wait for
            self._held.callback(send_events_to, None)
        while not _answers(self.api_url, max(0.1, min(5.0, deadline - time.monotonic()))):
            if self.child and self.child.ended:
                raise _not_started(f"it ended with status {self.child.process.returncode}", self.child)
            if time.monotonic() >= deadline:
                if self.child:
                    raise _not_started(f"it did not answer within {seconds:.0f} s", self.child)
                raise TuneloomError(
                    f"the Prefect server has not answered for {seconds:.0f} s",
                    where=f"PREFECT_API_URL={self.api_url}",
                    remedy="Start that server, or unset PREFECT_API_URL and one is started for the run.",
                )
            time.sleep(0.05)
        self._ready = True
        return self.api_url

    def drain(self, flow_run_ids: Iterable[UUID | str], expected: int, seconds: float = 60) -> None:
        """Waits until the server holds exactly `expected` task runs of these flow runs, all in a final state.

        Raises TuneloomError, with the counts, where that is not so after `seconds`.
        """
        from flows.recording import wait_for_task_runs

        wait_for_task_runs(flow_run_ids, expected, seconds)

    def stop(self) -> None:
        """Ends the server and all its processes, frees the home, restores the environment. May be called twice.

        What this process has sent to it is stored before, after a failure too.
        """
        if self.child and self.child.owner != os.getpid():
            return
        try:
            if self.child and self._ready and not self.child.ended:
                from flows.recording import wait_for_events

                if not wait_for_events(SETTLE_SECONDS):
                    self._say(f"Prefect did not store all events within {SETTLE_SECONDS:.0f} s; its record has gaps")
        finally:
            self._ready = False
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
    told = read_note(home)
    return told.api_url if told and told.api_url and _answers(told.api_url, 2.0) else None


def _answers(api_url: str, seconds: float) -> bool:
    """Whether anybody serves at `api_url`; a proxy is never asked, the answer itself does not matter."""
    try:
        build_opener(ProxyHandler({})).open(f"{api_url}/health", timeout=seconds).close()
    except HTTPError as error:
        return error.code < 500
    except (URLError, OSError):
        return False
    return True


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


def _not_started(why: str, child: ServerProcess) -> TuneloomError:
    return TuneloomError(
        f"the Prefect server did not start: {why}; its last words: {child.last_words()}",
        where=str(child.log),
        remedy="Look there for the reason; `make run` on a fresh .venv restores the versions that work together.",
    )
