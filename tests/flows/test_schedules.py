"""The pins work: `prefect deploy` goes through and a cron gets scheduled runs (SQLAlchemy 2.1 inserts none)."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from flows.embedded_server import EmbeddedServer
from tests.flows.conftest import ask

FLOW = """
from prefect import flow

@flow
def nightly():
    pass
"""


def test_prefect_deploy_works_and_a_cron_run_appears(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (tmp_path / "nightly.py").write_text(FLOW)
    with EmbeddedServer.start(home, print, schedules=True) as server:
        server.wait_ready()
        _prefect("work-pool", "create", "here", "--type", "process", folder=tmp_path)
        deploy = ["deploy", "nightly.py:nightly", "--name", "nightly", "--pool", "here", "--cron", "0 2 * * *"]
        _prefect("--no-prompt", *deploy, folder=tmp_path)
        deadline = time.monotonic() + 120  # the scheduler looks once a minute
        while not (scheduled := _scheduled(server.api_url)) and time.monotonic() < deadline:
            time.sleep(1)
    assert scheduled
    assert all("T02:00:00" in start for start in scheduled)


def _prefect(*arguments: str, folder: Path) -> None:
    command = [sys.executable, "-P", "-m", "prefect", *arguments]
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _scheduled(api_url: str) -> list[str]:
    wanted = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    return [run["expected_start_time"] for run in ask(api_url, "/flow_runs/filter", wanted)]


def test_only_its_own_pages_may_talk_to_a_server_that_stays_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with EmbeddedServer.start(home, print, schedules=True) as server:
        server.wait_ready()
        for origin, allowed in (("http://evil.example", None), (own := server.api_url.removesuffix("/api"), own)):
            with urlopen(Request(f"{server.api_url}/health", headers={"Origin": origin})) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == allowed
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(f"{server.api_url}/flow_runs/filter", b""))  # a form may send this from any page
        assert ask(server.api_url, "/flow_runs/filter", {}) == []
