"""A registered model, loaded back: by our loader, by MLflow's, and never on another base."""

import shutil
from pathlib import Path

import mlflow
import pytest

from tests.tiny_model import make_tiny_model
from tests.tuneloom.release.conftest import World
from tuneloom.errors import ConfigError, UnknownModel
from tuneloom.models.load import load_adapter, load_model, load_tokenizer
from tuneloom.models.resolve import resolve_model
from tuneloom.release.chat import generate_reply
from tuneloom.release.connection import address
from tuneloom.release.load import find_base, load_registered, registered_files
from tuneloom.release.package import Card

HELLO = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture(scope="module")
def uri(world: World) -> str:
    world.release(world.chain(tag="load"), "load")
    return "models:/load@champion"


@pytest.fixture(scope="module")
def expected(world: World) -> str:
    """What the base with the adapter says, without any registry."""
    model = load_adapter(load_model(world.base.path), world.adapter)
    return generate_reply(model, load_tokenizer(world.base.path), HELLO, 12)


def test_the_champion_says_what_the_adapter_said(world: World, uri: str, expected: str) -> None:
    model, tokenizer = load_registered(uri, world.home)
    assert generate_reply(model, tokenizer, HELLO, 12) == expected
    base = load_model(world.base.path)
    assert generate_reply(base, tokenizer, HELLO, 12) != expected  # the adapter is really on it


def test_a_version_number_and_an_alias_name_the_same_model(world: World, uri: str, expected: str) -> None:
    assert generate_reply(*load_registered("models:/load/1", world.home), HELLO, 12) == expected


def test_the_files_of_a_version_are_found_without_loading_it(world: World, uri: str) -> None:
    folder, card = registered_files(uri, world.home)
    assert (folder / "adapter_model.safetensors").is_file()
    assert card.base_digest == world.base.digest


def test_mlflow_loads_and_generates_too(world: World, uri: str, expected: str, monkeypatch) -> None:
    where = address(world.home).tracking
    mlflow.set_tracking_uri(where)
    try:
        loaded = mlflow.pyfunc.load_model(uri, model_config={"base": str(world.base.path)})
        reply = loaded.predict([{"messages": HELLO}], params={"max_new_tokens": 12})
    finally:
        mlflow.set_tracking_uri(None)
    assert reply == [expected]


def test_another_base_is_refused_with_both_digests(world: World, uri: str, tmp_path: Path) -> None:
    other = make_tiny_model(tmp_path / "other", seed=7)
    with pytest.raises(ConfigError, match=world.base.digest) as told:
        load_registered(uri, world.home, base=str(other))
    assert resolve_model(str(other)).digest in str(told.value)


def test_a_base_that_moved_is_found_where_the_caller_says(world: World, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(world.base.path, moved)
    card = Card("lora", "no-such-model", "folder", world.base.digest, None, {})
    assert find_base(card, ["./nor-here", str(moved)]).path == moved


def test_a_base_that_is_nowhere_is_named_with_its_digest() -> None:
    with pytest.raises(UnknownModel, match="no-such-model") as told:
        find_base(Card("lora", "no-such-model", "folder", "ab" * 16, None, {}), ["./nor-here"])
    assert "ab" * 16 in str(told.value)


@pytest.mark.parametrize("uri", ["models:/load@nobody", "models:/load/99", "models:/nothing@champion"])
def test_what_the_registry_lacks_is_said_with_what_it_has(world: World, uri: str) -> None:
    with pytest.raises(UnknownModel, match=uri) as told:
        load_registered(uri, world.home)
    assert "load" in told.value.remedy


def test_no_registry_and_no_uri_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="no model is registered yet"):
        load_registered("models:/load@champion", tmp_path)
    with pytest.raises(ConfigError, match="names no registered model"):
        load_registered("load@champion", tmp_path)
    assert list(tmp_path.iterdir()) == []  # looking makes no database
