"""Commands for a person to paste: they name the programs of this installation and the folders of this run, and work
from the folder where the run was called."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from flows.embedded_server import standing_server
from flows.project import home_of, nearest_home
from flows.settings import LOOPBACK, server_environment
from tuneloom.artifacts import Artifact
from tuneloom.plan import Plan
from tuneloom.release.connection import address, exists
from tuneloom.summary import Outcome

PREFECT_PORT = 4200
_FOR_PREFECT = (
    "PREFECT_HOME",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_SERVER_API_HOST",
    "PREFECT_SERVER_API_PORT",
    "PREFECT_SERVER_UI_API_URL",
)


def next_commands(
    plan: Plan, found: Mapping[str, Artifact | None], outcome: Outcome, options: argparse.Namespace
) -> Iterator[str]:
    """`tuneloom show dedup`, a trace of the first source, and a chat with the model where there is one."""
    tuneloom = program("tuneloom")
    made = [stage for stage, artifact in found.items() if artifact]
    here = "" if nearest_home(Path.cwd()) == plan.home else f" --home {shown(plan.home)}"
    if made:
        yield f"{tuneloom}{here} show {'dedup' if 'dedup' in made else made[0]}"
        same = home_of(argparse.Namespace(home=None, config=options.config)) == plan.home
        there = "" if same else f" --home {shown(plan.home)}"
        settings = "".join(f" --set {shlex.quote(override)}" for override in options.overrides)
        limit = f" --limit {options.limit}" if options.limit else ""
        source = plan.config.sources[0].name
        yield f"{tuneloom}{there} trace {shown(options.config)} --source {source}{settings}{limit}"
    if outcome.model:
        alias = f"models:/{plan.config.release.model_name}@champion"
        yield f"{tuneloom}{here} chat {alias if outcome.promoted else outcome.model}"


def user_interfaces(home: Path) -> Iterator[tuple[str, str]]:
    """(name, command or address) of what shows the runs of `home` in a browser, as far as there is anything."""
    if exists(home):
        where = address(home)
        database = f"sqlite:///{shown(home / 'mlflow.db')}"
        mlflow = f"DO_NOT_TRACK=true {program('mlflow')} ui --host {LOOPBACK} --backend-store-uri {database}"
        yield "MLflow", where.tracking if where.artifacts is None else mlflow
    if standing := standing_server(home):
        yield "Prefect", standing.removesuffix("/api")
    elif (home / "prefect" / "prefect.db").is_file():
        server = server_environment(home, PREFECT_PORT, schedules=True)
        quiet = {"DO_NOT_TRACK": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        settings = {**quiet, **{name: server[name] for name in _FOR_PREFECT}}
        given = " ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
        yield "Prefect", f"{given} {program('prefect')} server start"


def program(name: str) -> str:
    """How to call a program of this installation: `mlflow` where the shell finds that very one, else its path."""
    called = Path(sys.argv[0])
    path = called if called.name == name and called.is_file() else Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if not path.is_file() or (found and os.path.samefile(found, path)):
        return name
    return shown(path) if os.sep in shown(path) else shlex.quote(str(path.absolute()))


def shown(path: str | Path) -> str:
    """A path for the shell, relative to the working directory where that is shorter: `.venv/bin/mlflow`."""
    absolute = os.path.abspath(path)  # `resolve` would leave the .venv by its links
    return shlex.quote(min(os.path.relpath(absolute), absolute, key=len))
