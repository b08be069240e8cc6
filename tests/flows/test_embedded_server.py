"""Which server a run uses: its own, one a project folder; or a standing one, which it leaves alone."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.request import urlopen

import pytest

from flows.embedded_server import EmbeddedServer, standing_server
from flows.standing_note import write_note
from tests.flows.conftest import living
from tuneloom.errors import LockTimeout, TuneloomError
from tuneloom.release.processes import process_mark


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[None]:
    """This process as if it had not started the module's server."""
    from prefect.context import refresh_global_settings_context

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        patch.setenv("PREFECT_HOME", str(tmp_path / "users-own"))
        yield
    refresh_global_settings_context()


def test_the_environment_names_the_server_from_its_start_to_its_stop(home: Path, stranger: None) -> None:
    before = os.environ["PREFECT_HOME"]
    from prefect.settings import get_current_settings

    with EmbeddedServer.start(home, print) as server:
        assert os.environ["PREFECT_API_URL"] == server.api_url
        assert get_current_settings().api.url == server.api_url  # although Prefect was imported before
        assert os.environ["PREFECT_HOME"] == str(home / "prefect")
        server.wait_ready()
    assert "PREFECT_API_URL" not in os.environ
    assert os.environ["PREFECT_HOME"] == before
    assert server.child
    assert not living(server.child.process.pid)
    server.stop()  # a second time does nothing


def test_the_ui_calls_the_right_port(server: EmbeddedServer) -> None:
    address = server.api_url.removesuffix("/api")
    with urlopen(f"{address}/ui-settings") as answer:
        assert json.load(answer)["api_url"] == server.api_url
    with urlopen(f"{address}/") as answer:
        assert b"<title>" in answer.read()


def test_a_second_run_in_the_project_waits_with_a_message(server: EmbeddedServer, stranger: None) -> None:
    said: list[str] = []
    with pytest.raises(LockTimeout, match=r"another run has held .* for 1 s .*prefect\.lock") as refusal:
        EmbeddedServer.start(server.home, said.append, seconds=1)
    assert refusal.value.remedy
    assert said == [f"another run holds the Prefect server of {server.home}; waiting up to 1 s"]


def test_a_waiting_run_goes_on_when_the_other_has_ended(home: Path, stranger: None) -> None:
    first = EmbeddedServer.start(home, print)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL")
        second_start = [first.stop]
        EmbeddedServer.start(home, lambda text: (said.append(text), second_start.pop()()), seconds=30).stop()
    assert len(said) == 1


def test_a_running_ui_is_used_and_left_running(server: EmbeddedServer, tmp_path: Path, stranger: None) -> None:
    write_note(tmp_path, server.api_url, "")
    with EmbeddedServer.start(tmp_path, print) as used:
        assert used.standing
        assert used.wait_ready() == server.api_url == os.environ["PREFECT_API_URL"]
    with urlopen(f"{server.api_url}/health") as answer:
        assert answer.status == 200


def test_a_ui_that_is_gone_is_not_used(server: EmbeddedServer, tmp_path: Path, stranger: None) -> None:
    host, pid, start = process_mark().split(":")
    given_again = asdict(write_note(tmp_path, server.api_url, "")) | {"process": f"{host}:{pid}:{int(start) - 1}"}
    for left in (given_again, {**given_again, "process": process_mark(), "api_url": "http://127.0.0.1:9/api"}, {}):
        (tmp_path / "ui.json").write_text(json.dumps(left))
        assert standing_server(tmp_path) is None


def test_a_server_that_the_user_named_is_used_and_told_of_where_it_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with EmbeddedServer.start(tmp_path, print) as server:
        assert server.standing
        with pytest.raises(TuneloomError, match=r"not answered for 0 s \(PREFECT_API_URL=http://127.0.0.1:9/api\)"):
            server.wait_ready(seconds=0.2)
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:9/api"


def test_a_server_that_cannot_start_is_told_with_its_last_words(tmp_path: Path, stranger: None) -> None:
    (tmp_path / "prefect").mkdir()
    (tmp_path / "prefect" / "prefect.db").write_text("this is no database " * 100)
    with EmbeddedServer.start(tmp_path, print) as server, pytest.raises(TuneloomError) as refusal:
        server.wait_ready()
    assert "file is not a database" in str(refusal.value)
    assert "logs/prefect-server.log" in refusal.value.where
