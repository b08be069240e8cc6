"""The deployed flows' own steps, without a server."""

import contextlib
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from flows import deployed, refresh
from flows.standing import DEPLOYMENTS
from tasks.run import reporting_to
from tests.flows.test_refresh import write_project
from tuneloom.artifacts.locks import lock
from tuneloom.config_file import load_config


class Planned(Exception):
    """Stands for the plan; tells whether the hub was off when it was made."""


@pytest.mark.parametrize(("names_hub", "offline"), [(False, "1"), (True, None)])
@pytest.mark.parametrize("flow", ["scheduled-refresh", "tune"])
def test_a_deployed_run_asks_the_hub_where_its_config_names_something_there(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, flow: str, names_hub: bool, offline: str | None
) -> None:
    def plan(*_: Any, **__: Any) -> None:
        raise Planned(os.environ.get("HF_HUB_OFFLINE"))

    config, settings = write_project(tmp_path, tiny_model), ["model=owner/name"] if names_hub else []
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(deployed, "get_run_logger", lambda: logging.getLogger("test"))
    monkeypatch.setattr(deployed if flow == "scheduled-refresh" else refresh, "make_plan", plan)
    run = {
        "tune": lambda: refresh.refresh.fn(load_config(config, settings), tmp_path),
        "scheduled-refresh": lambda: deployed.scheduled_refresh.fn(str(config), settings=settings),
    }[flow]
    with pytest.raises(Planned) as caught:
        run()
    assert caught.value.args == (offline,)


def test_runs_of_one_project_do_not_overlap_whatever_started_them(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, said = load_config(write_project(tmp_path, tiny_model)), []
    other = contextlib.ExitStack()
    other.enter_context(lock(tmp_path / ".tuneloom/locks/run.lock", "another run's"))

    def say(text: str) -> None:
        said.append(text)
        other.close()  # it ends, and this one goes on

    def plan(*_: Any, **__: Any) -> None:
        raise Planned(*said)

    monkeypatch.setattr(refresh, "make_plan", plan)
    with reporting_to(SimpleNamespace(say=say)), pytest.raises(Planned, match="holds the runs of this project"):
        refresh.refresh.fn(config, tmp_path)


def test_no_deployment_turns_the_hub_off_for_good() -> None:
    for deployment in yaml.safe_load(DEPLOYMENTS.read_text())["deployments"]:
        assert "HF_HUB_OFFLINE" not in deployment["work_pool"]["job_variables"]["env"]
