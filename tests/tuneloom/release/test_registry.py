"""The registry's aliases and what an interrupted release left in it."""

import json

import pytest

from tests.tuneloom.release.conftest import World
from tuneloom.errors import ConfigError
from tuneloom.release.registry import Registered, champion, find_version, log_model, promote, version_by_alias


def test_promoting_twice_changes_nothing(world: World) -> None:
    told = json.loads(world.release(world.chain(tag="twice"), "twice").path("release.json").read_text())
    client, version = world.tracking.client, Registered("twice", told["version"], told["model_id"], True)
    promote(client, version)
    promote(client, version)
    champion_now = client.get_model_version_by_alias("twice", "champion")
    assert (champion_now.version, champion_now.tags["tuneloom.promoted"]) == (1, "after version none")
    assert version_by_alias(client, "twice", "previous") is None


def test_an_unknown_name_or_alias_is_none(world: World) -> None:
    assert version_by_alias(world.tracking.client, "never", "champion") is None
    assert champion(world.home, "never") is None


def test_a_champion_that_somebody_else_registered_is_not_compared_with(world: World) -> None:
    client = world.tracking.client
    client.create_registered_model("theirs")
    client.create_model_version("theirs", str(world.adapter))
    client.set_registered_model_alias("theirs", "champion", "1")
    with pytest.raises(ConfigError, match="which Tuneloom did not register"):
        champion(world.home, "theirs")


def test_files_half_written_by_a_killed_release_are_not_used(world: World) -> None:
    client = world.tracking.client
    half = client.create_logged_model(world.tracking.experiment_id, "half", tags={"tuneloom.release": "half-key"})
    made = log_model(world.tracking, "half", "half-key", world.adapter, {})
    assert made != half.model_id
    assert log_model(world.tracking, "half", "half-key", world.adapter, {}) == made
    assert find_version(client, "half", "half-key") is None


def test_step_metrics_of_the_run_do_not_stick_to_the_model(world: World) -> None:
    world.tracking.log_step({"loss": 3.0}, 0)
    world.tracking._write()
    made = log_model(world.tracking, "clean", "clean-key", world.adapter, {"base": "smol"})
    found = world.tracking.client.get_logged_model(made)
    assert (found.metrics or [], found.params) == ([], {"base": "smol"})
