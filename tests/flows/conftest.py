"""Real Prefect servers for tests, few of them: a database is made once, a booted server is shared by a module."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

import psutil
import pytest

from flows.embedded_server import EmbeddedServer


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder whose Prefect database has all its tables (making them takes long); copy it."""
    home = tmp_path_factory.mktemp("migrated") / ".tuneloom"
    with EmbeddedServer.start(home, print) as server:
        server.wait_ready()
    return home


@pytest.fixture
def home(migrated_home: Path, tmp_path: Path) -> Path:
    """A project folder of the test's own, its database made."""
    return shutil.copytree(migrated_home, tmp_path / ".tuneloom")


@pytest.fixture(scope="module")
def server(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A booted server that the tests of a module share; the flows of this process run in it."""
    home = shutil.copytree(migrated_home, tmp_path_factory.mktemp("shared") / ".tuneloom")
    with EmbeddedServer.start(home, print) as server:
        server.wait_ready()
        yield server


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python code as a process of its own, `script(code, *arguments, **environment)`; killed after the test.

    It is told of no server of this process.
    """
    strangers = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        path = tmp_path / f"script_{len(started)}.py"
        path.write_text(code)
        started.append(
            subprocess.Popen(
                [sys.executable, "-P", str(path), *arguments],
                env=strangers | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ask(api_url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Prefect's answer as a browser would get it that has the token for changes: GET without a body, else POST."""
    headers = {"Content-Type": "application/json"}
    if body is not None:
        client = str(uuid4())
        token = ask(api_url, f"/csrf-token?client={client}")["token"]
        headers |= {"Prefect-Csrf-Client": client, "Prefect-Csrf-Token": token}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{api_url}{path}", data, headers)) as answer:
        return json.load(answer)


def living(group: int) -> list[str]:
    """The processes of a group that have not ended: `["python"]`, or none."""
    names = []
    for process in psutil.process_iter(["name", "status"]):
        try:
            same = os.getpgid(process.pid) == group
        except ProcessLookupError:
            continue
        if same and process.info["status"] != psutil.STATUS_ZOMBIE:
            names.append(process.info["name"])
    return names
