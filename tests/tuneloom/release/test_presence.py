"""Whether a finished release stands in the registry at hand, asked of its file, or of a server."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tuneloom.release.conftest import World
from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.errors import TuneloomError
from tuneloom.release.connection import connect
from tuneloom.release.presence import has_version, why_made_again


@pytest.fixture(scope="module")
def released(world: World) -> Artifact:
    return world.release(world.chain(tag="presence"), "presence")


@pytest.fixture
def asked(released: Artifact) -> tuple[str, int, str]:
    said = json.loads(released.path("release.json").read_text("utf-8"))
    return said["model_name"], said["version"], said["model_id"]


@pytest.fixture
def server(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry asked as a server is, by MLflow's client."""
    monkeypatch.setattr("tuneloom.release.presence._SQLITE", "never:")


@pytest.mark.parametrize("way", ["file", "server"])
def test_the_registry_that_made_it_has_it_and_no_other_version_or_model(
    world: World, asked: tuple[str, int, str], way: str, request: pytest.FixtureRequest
) -> None:
    if way == "server":
        request.getfixturevalue("server")
    name, version, model_id = asked
    assert has_version(world.home, name, version, model_id)
    assert not has_version(world.home, name, version + 1, model_id)
    assert not has_version(world.home, name, version, "m-0")
    assert not has_version(world.home, "other", version, model_id)


@pytest.mark.parametrize("way", ["file", "server"])
def test_a_version_that_was_deleted_is_not_there(world: World, way: str, request: pytest.FixtureRequest) -> None:
    said = json.loads(world.release(world.chain(tag=f"gone {way}"), f"gone-{way}").path("release.json").read_text())
    world.tracking.client.delete_model_version(said["model_name"], str(said["version"]))
    if way == "server":
        request.getfixturevalue("server")
    assert not has_version(world.home, said["model_name"], said["version"], said["model_id"])


def test_another_home_has_nothing_and_is_told_so_without_making_anything(tmp_path: Path, released: Artifact) -> None:
    assert why_made_again(released, tmp_path / "home") == "the registry does not have its version"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mlflow.db").write_text("no database at all, but as long as the header of one" * 40)
    assert why_made_again(released, tmp_path) == "the registry does not have its version"


def test_a_registry_named_in_the_environment_is_the_one_that_is_asked(
    world: World, asked: tuple[str, int, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{world.home / 'mlflow.db'}")
    assert has_version(tmp_path / "home", *asked)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    connect(tmp_path / "fresh")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'fresh' / 'mlflow.db'}")
    assert not has_version(world.home, *asked)


def test_a_release_that_stands_is_known_without_importing_mlflow(world: World, asked: tuple[str, int, str]) -> None:
    code = (
        "import sys; from pathlib import Path; from tuneloom.release.presence import has_version;"
        f"print(has_version(Path({str(world.home)!r}), *{asked!r}), 'mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_release_judged_against_a_replaced_champion_does_not_stand(
    world: World, asked: tuple, tmp_path: Path
) -> None:
    said = {"model_name": asked[0], "version": asked[1], "model_id": asked[2], "outdated": True}
    outdated = Store(tmp_path).ensure(
        Spec("release", "code"), lambda writer: writer.file("release.json").write_text(json.dumps(said))
    )
    assert why_made_again(outdated, world.home) == "another model became champion after this candidate was judged"


def test_a_server_that_is_down_is_an_error_with_a_remedy(
    tmp_path: Path, asked: tuple[str, int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(TuneloomError, match="does not answer") as caught:
        has_version(tmp_path, *asked)
    assert "unset the variable" in caught.value.remedy
