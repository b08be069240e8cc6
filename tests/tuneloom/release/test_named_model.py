"""What a user calls a model: a registered one, a folder, an adapter; and what is told where nobody knows it."""

import shutil
from pathlib import Path

import pytest

from tests.tuneloom.release.conftest import World
from tuneloom.artifacts import Store
from tuneloom.errors import ConfigError, MissingFile, UnknownModel
from tuneloom.release.load import registered_files
from tuneloom.release.named_model import find_model, find_sides, run_named
from tuneloom.runs import RunRecord, write_run


@pytest.fixture(scope="module")
def uri(world: World) -> str:
    world.release(world.chain(tag="named"), "named")
    return "models:/named@champion"


def test_a_registered_model_is_its_version_whatever_alias_names_it(world: World, uri: str) -> None:
    by_alias, by_number = (find_model(name, world.home) for name in (uri, "models:/named/1"))
    assert (by_alias.name, by_alias.digest) == ("models:/named/1", by_number.digest)
    assert by_alias.base.digest == world.base.digest
    assert by_alias.tuned is not None


def test_an_adapter_is_the_same_model_wherever_it_lies_and_another_one_is_another(
    world: World, uri: str, tmp_path: Path
) -> None:
    folder, _ = registered_files(uri, world.home)
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    (moved / "tuneloom.json").write_text(
        (moved / "tuneloom.json").read_text().replace('"base": "', f'"base": "{world.base.path.parent}/'), "utf-8"
    )
    assert find_model(str(moved), world.home).digest == find_model(uri, world.home).digest
    plain = find_model(str(world.adapter), world.home)  # PEFT's own folder names its base by path
    assert plain.base.digest == world.base.digest
    weights = world.adapter / "adapter_model.safetensors"
    other = Path(shutil.copytree(world.adapter, tmp_path / "other"))
    (other / weights.name).write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert find_model(str(other), world.home).digest != plain.digest


def test_a_base_is_its_own_digest(world: World) -> None:
    assert find_model(str(world.base.path), world.home).digest == world.base.digest
    with pytest.raises(UnknownModel, match="registry has no models:/nobody/1"):
        find_model("models:/nobody/1", world.home)


def test_a_model_that_was_asked_nothing_is_told_how_to_ask_it(world: World, tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="was asked no suite yet") as caught:
        find_sides([str(world.base.path)], Store(tmp_path), world.home)
    assert "tuneloom evaluate" in caught.value.remedy


def test_runs_and_models_are_told_apart_by_name(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    write_run(store, RunRecord("abcdef0123", "mine"))
    assert run_named("abcdef", store).identity == run_named("last", store).identity == "abcdef0123"
    assert run_named("models:/named/1", store) is None
    assert run_named("smollm2-135m-instruct", store) is None
    with pytest.raises(ConfigError, match="run abcdef0123 has no evaluation"):
        find_sides(["abcdef"], store, world.home)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "last").mkdir()
    assert run_named("last", store) is None  # a folder of that name is a model
