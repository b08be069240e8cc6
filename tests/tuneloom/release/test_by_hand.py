"""Aliases moved by a person: with the verdict, against it with a reason, back again, and never half."""

import contextlib
import json
import multiprocessing
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tuneloom.release.conftest import World
from tuneloom.artifacts import Artifact
from tuneloom.errors import ConfigError, UnknownModel
from tuneloom.release import by_hand, registry
from tuneloom.release.by_hand import OVERRIDE_TAG, promote_by_hand, roll_back
from tuneloom.release.registry import WITHDRAWN_TAG, version_by_alias


def said(artifact: Artifact) -> dict[str, Any]:
    return json.loads(artifact.path("release.json").read_text())


def aliases(world: World, name: str) -> dict[str, int]:
    """Alias -> version, of `champion` and `previous`."""
    found = {alias: version_by_alias(world.tracking.client, name, alias) for alias in ("champion", "previous")}
    return {alias: int(version.version) for alias, version in found.items() if version}


def release_again(world: World, name: str, tag: str, **made: Any) -> dict[str, Any]:
    """Another candidate, judged against the champion that there is, as `chain` makes it."""
    return said(world.release(world.chain(tag=tag, **made), name))


@pytest.fixture
def three(world: World, request: pytest.FixtureRequest) -> str:
    """A name with three versions that were champion one after the other."""
    name = re.sub(r"\W", "-", f"three-{request.node.name[-40:]}")
    client = world.tracking.client
    for tag in "abc":
        release_again(world, name, f"{name}-{tag}", verdict="refuse")
    for number in (1, 2, 3):
        promote_by_hand(world.home, f"models:/{name}/{number}", "a test's wish")
    assert aliases(world, name) == {"champion": 3, "previous": 2}
    assert len(client.search_model_versions(f"name = '{name}'")) == 3
    return name


def test_a_rollback_restores_the_one_before_and_then_the_one_before_that(world: World, three: str) -> None:
    move = roll_back(world.home, three, "answers in French")
    assert (move.before, move.after) == (3, 2)
    assert aliases(world, three) == {"champion": 2, "previous": 1}
    tag = json.loads(world.tracking.client.get_model_version(three, "3").tags[WITHDRAWN_TAG])
    assert (tag["why"], tag["to"]) == ("answers in French", 2)
    assert tag["by"]
    assert roll_back(world.home, three, "this one too").after == 1
    assert aliases(world, three) == {"champion": 1}
    with pytest.raises(ConfigError, match=r"no champion of .* before version 1"):
        roll_back(world.home, three, "further")


@pytest.mark.parametrize("step", ["set_model_version_tag", "set_registered_model_alias", "previous"])
def test_a_rollback_killed_between_its_steps_is_completed_by_the_next(
    world: World, three: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Killed(Exception):
        """Stands for kill -9."""

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if step == "previous":
            patch.setattr(by_hand, "restore_previous", die)
        else:
            patch.setattr(type(world.tracking.client), step, die)
        with pytest.raises(Killed):
            roll_back(world.home, three, "answers in French")
    assert aliases(world, three)["champion"] == (2 if step == "previous" else 3)
    roll_back(world.home, three, "answers in French")
    assert aliases(world, three) == {"champion": 2, "previous": 1}
    assert WITHDRAWN_TAG in world.tracking.client.get_model_version(three, "3").tags


def test_a_rollback_passes_over_what_was_withdrawn_and_stops_where_nothing_else_is_left(
    world: World, three: str
) -> None:
    promote_by_hand(world.home, f"models:/{three}/2", "better than 3 after all")  # 2 after 3, 3 after 2
    assert roll_back(world.home, three, "no").after == 3
    assert aliases(world, three) == {"champion": 3, "previous": 1}  # what 2, withdrawn by now, came after at first
    assert roll_back(world.home, three, "nor this").after == 1
    assert aliases(world, three) == {"champion": 1}
    with pytest.raises(ConfigError, match="that was not withdrawn"):
        roll_back(world.home, three, "nor this")
    withdrawn = [WITHDRAWN_TAG in world.tracking.client.get_model_version(three, number).tags for number in "123"]
    assert withdrawn == [False, True, True]


@pytest.mark.parametrize("next_call", ["the same", "another promotion"])
def test_a_promotion_killed_before_it_was_tagged_keeps_its_place_in_the_history(
    world: World, three: str, monkeypatch: pytest.MonkeyPatch, next_call: str
) -> None:
    client = world.tracking.client

    def die(_: Any, __: str, ___: str, key: str, *____: Any) -> None:
        if key == registry.PROMOTED_TAG:
            raise InterruptedError  # stands for kill -9

    with monkeypatch.context() as patch:
        patch.setattr(type(client), "set_model_version_tag", die)
        with pytest.raises(InterruptedError):
            promote_by_hand(world.home, f"models:/{three}/1", "a test's wish")
    assert aliases(world, three) == {"champion": 1, "previous": 3}
    promote_by_hand(world.home, f"models:/{three}/{1 if next_call == 'the same' else 2}", "go on")
    assert client.get_model_version(three, "1").tags[registry.PROMOTED_TAG] == "after version none, after version 3"
    if next_call != "the same":
        assert roll_back(world.home, three, "no").after == 1
    assert aliases(world, three) == {"champion": 1, "previous": 3}


def test_a_release_killed_before_it_was_tagged_is_tagged_when_run_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.chain(tag="untagged-1")
    world.release(first, "untagged")
    second = world.chain(tag="untagged-2", champion=first["train"].reference.key)
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_tag_promoted", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            world.release(second, "untagged")
    assert said(world.release(second, "untagged"))["promoted"]
    assert roll_back(world.home, "untagged", "no").after == 1


def test_a_version_withdrawn_while_a_promotion_waits_is_judged_as_it_is_then(
    world: World, three: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def waiting(*_: Any) -> Iterator[None]:
        world.tracking.client.set_model_version_tag(three, "1", WITHDRAWN_TAG, "meanwhile")
        yield

    monkeypatch.setattr(by_hand, "moving_aliases", waiting)
    with pytest.raises(ConfigError, match="version 1 was rolled back: meanwhile"):
        promote_by_hand(world.home, f"models:/{three}/1", None)


def test_a_withdrawal_is_lifted_only_once_the_version_is_champion(
    world: World, three: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll_back(world.home, three, "answers in French")
    with monkeypatch.context() as patch:
        patch.setattr(by_hand, "promote", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            promote_by_hand(world.home, f"models:/{three}/3", "French is wanted now")
    assert WITHDRAWN_TAG in world.tracking.client.get_model_version(three, "3").tags
    assert "no longer withdrawn" in promote_by_hand(world.home, f"models:/{three}/3", "French is wanted now").told


def test_what_was_rolled_back_comes_back_only_with_a_reason(world: World, three: str) -> None:
    roll_back(world.home, three, "answers in French", by="jane")
    signed = json.loads(world.tracking.client.get_model_version(three, "3").tags[WITHDRAWN_TAG])
    assert signed["by"] == "jane"
    with pytest.raises(ConfigError, match=r"version 3 was rolled back: .*answers in French") as caught:
        promote_by_hand(world.home, f"models:/{three}/3", None)
    assert "--override" in caught.value.remedy
    promote_by_hand(world.home, f"models:/{three}/3", "French is wanted now")
    assert aliases(world, three) == {"champion": 3, "previous": 2}
    tags = world.tracking.client.get_model_version(three, "3").tags
    assert WITHDRAWN_TAG not in tags
    assert "French is wanted now" in tags[OVERRIDE_TAG]


def test_a_release_made_again_does_not_promote_what_was_rolled_back(world: World) -> None:
    first = world.chain(tag="again-1")
    world.release(first, "again")
    released = world.release(world.chain(tag="again-2", champion=first["train"].reference.key), "again")
    assert said(released)["promoted"]
    roll_back(world.home, "again", "answers in French")
    shutil.rmtree(released.folder)
    made_again = said(world.release(world.chain(tag="again-2", champion=first["train"].reference.key), "again"))
    assert (made_again["version"], made_again["promoted"]) == (2, False)
    assert "was rolled back" in made_again["why_not"]
    assert aliases(world, "again") == {"champion": 1}


def test_a_verdict_that_says_yes_needs_no_reason_unless_the_champion_changed(world: World) -> None:
    first = world.chain(tag="stale-1")
    world.release(first, "stale")
    stale = world.chain(tag="stale-2")  # judged when there was no champion
    assert said(world.release(stale, "stale"))["promoted"] is False
    with pytest.raises(ConfigError, match="judged against another champion than there is now"):
        promote_by_hand(world.home, "models:/stale@candidate", None)
    roll = promote_by_hand(world.home, "models:/stale@champion", None)
    assert roll.told == "version 1 is the champion of stale already"


@pytest.mark.parametrize("verdict", ["refuse", "inconclusive"])
def test_a_verdict_that_says_no_is_not_passed_over_in_silence(world: World, verdict: str) -> None:
    name = f"no-{verdict}"
    release_again(world, name, name, verdict=verdict)
    with pytest.raises(ConfigError, match=f"the gate's verdict on version 1 is {verdict}"):
        promote_by_hand(world.home, f"models:/{name}/1", None)
    assert aliases(world, name) == {}


def test_there_is_no_champion_to_take_back(world: World, tmp_path: Path) -> None:
    for home in (world.home, tmp_path / ".tuneloom"):
        with pytest.raises(UnknownModel, match="nobody has no champion"):
            roll_back(home, "nobody", "why not")


def _promote(home: Path, uri: str, start: Any) -> None:
    start.wait()
    promote_by_hand(home, uri, "first come")


def test_two_processes_that_promote_at_once_leave_a_whole_history(world: World) -> None:
    for tag in ("race-1", "race-2", "race-3"):
        release_again(world, "at-once", tag, verdict="refuse")
    promote_by_hand(world.home, "models:/at-once/1", "to begin with")
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    both = [context.Process(target=_promote, args=(world.home, f"models:/at-once/{n}", start)) for n in (2, 3)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    left = aliases(world, "at-once")
    assert {left["champion"], left["previous"]} == {2, 3}
    tags = world.tracking.client.get_model_version("at-once", str(left["champion"])).tags
    assert tags["tuneloom.promoted"] == f"after version {left['previous']}"
    assert (
        world.tracking.client.get_model_version("at-once", str(left["previous"])).tags["tuneloom.promoted"]
        == "after version 1"
    )
