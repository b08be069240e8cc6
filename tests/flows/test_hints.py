"""What a run tells a person to type next works where it is typed."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.hints import next_commands, program, shown, user_interfaces
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages
from tuneloom.summary import Outcome


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment's bin that is not on the PATH; the shell is called beside it."""
    folder = tmp_path / "here" / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "tuneloom", "mlflow", "prefect"):
        (folder / name).write_text("")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setattr(sys, "argv", [str(folder / "tuneloom")])
    monkeypatch.chdir(tmp_path / "here")
    return folder


def test_a_program_is_named_by_its_path_unless_the_shell_finds_that_very_one(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program("mlflow") == ".venv/bin/mlflow"
    assert program("tuneloom") == ".venv/bin/tuneloom"
    monkeypatch.setenv("PATH", str(installed))
    assert program("mlflow") == "mlflow"
    monkeypatch.chdir(installed)
    monkeypatch.setenv("PATH", "/nowhere")
    assert program("mlflow") == str(installed / "mlflow")  # `mlflow` alone would not be found


def test_paths_are_short_and_safe_to_paste(installed: Path) -> None:
    assert shown(Path.cwd() / "my data" / "c.yaml") == "'my data/c.yaml'"
    assert shown("/x") == "/x"


def run_here(config: Path, **more: Any) -> tuple[list[str], argparse.Namespace]:
    """The hints after the first stages of a run."""
    given = options(config=config, **more)
    plan = plan_to_run(given, print)
    return list(next_commands(plan, run_data_stages(plan), Outcome(), given)), given


@pytest.mark.parametrize("more", [{}, {"overrides": ["dedup.near=null"], "limit": 20}])
def test_after_a_run_at_the_top_every_hint_can_be_pasted(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: dict
) -> None:
    config = make_project(Path.cwd() / "data" / "quickstart")
    commands, _ = run_here(config, home=Path.cwd() / ".tuneloom", **more)
    assert commands[0] == ".venv/bin/tuneloom show dedup"
    assert commands[1].startswith(".venv/bin/tuneloom trace data/quickstart/config.yaml --source rows")
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0
    told = capsys.readouterr().out
    assert ("20 kept        0 rejected" if more else "31 kept        1 rejected  1 exact duplicate") in told


def test_a_home_that_would_not_be_found_is_named(installed: Path, tmp_path: Path) -> None:
    config = make_project(tmp_path / "project")
    commands, _ = run_here(config, home=tmp_path / "else where")
    assert commands[0] == ".venv/bin/tuneloom --home '../else where' show dedup"
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0


@pytest.mark.parametrize(("promoted", "name"), [(True, "models:/helpdesk@champion"), (False, "models:/helpdesk/3")])
def test_a_model_is_named_by_the_alias_only_if_it_has_it(installed: Path, promoted: bool, name: str) -> None:
    given = options(config=make_project(Path.cwd() / "p", release={"model_name": "helpdesk"}))
    plan = plan_to_run(given, print)
    outcome = Outcome(model="models:/helpdesk/3", promoted=promoted)
    (command,) = next_commands(plan, {}, outcome, given)
    assert command == f".venv/bin/tuneloom --home p/.tuneloom chat {name}"


def test_the_user_interfaces_are_told_where_there_is_something_to_see(installed: Path) -> None:
    home = Path.cwd() / ".tuneloom"
    (home / "prefect").mkdir(parents=True)
    assert list(user_interfaces(home)) == []
    (home / "mlflow.db").write_text("")
    (home / "prefect" / "prefect.db").write_text("")
    told = dict(user_interfaces(home))
    assert told["MLflow"].endswith("mlflow ui --host 127.0.0.1 --backend-store-uri sqlite:///.tuneloom/mlflow.db")
    words = shlex.split(told["Prefect"])
    assert words[-3:] == [".venv/bin/prefect", "server", "start"]
    settings = dict(word.split("=", 1) for word in words[:-3])
    assert settings["PREFECT_HOME"] == str(home / "prefect")
    assert settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == f"sqlite+aiosqlite:///{home}/prefect/prefect.db"
    port = settings["PREFECT_SERVER_API_PORT"]
    assert settings["PREFECT_SERVER_UI_API_URL"] == f"http://127.0.0.1:{port}/api"
    assert settings["PREFECT_SERVER_API_HOST"] == "127.0.0.1"


def test_servers_that_stand_already_are_named_by_their_address(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")
    told = dict(user_interfaces(Path.cwd()))
    assert told == {"MLflow": "http://mlflow.example", "Prefect": "http://prefect.example"}
