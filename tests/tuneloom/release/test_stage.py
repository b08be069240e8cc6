"""The release stage against a real registry: what is registered, under which aliases, and what is refused."""

import json
from pathlib import Path

import pytest

from tests.tuneloom.release.chain import lineage_of
from tests.tuneloom.release.conftest import World
from tuneloom.artifacts import Artifact
from tuneloom.errors import BrokenArtifact
from tuneloom.release.registry import champion
from tuneloom.release.stage import git_commit


def said(artifact: Artifact) -> dict:
    return json.loads(artifact.path("release.json").read_text("utf-8"))


def test_a_promoted_model_is_champion_and_tagged_with_its_whole_lineage(world: World) -> None:
    chain = world.chain(tag="first")
    told = said(world.release(chain, "first"))

    assert (told["version"], told["promoted"], told["aliases"]) == (1, True, ["candidate", "champion"])
    assert champion(world.home, "first").train_key == chain["train"].reference.key
    version = world.tracking.client.get_model_version_by_alias("first", "champion")
    for stage, artifact in chain.items():
        assert version.tags[f"tuneloom.{stage}"] == artifact.reference.key
    assert version.tags["tuneloom.base_digest"] == world.base.digest
    assert version.tags["tuneloom.licenses"] == "Apache-2.0, unknown"
    assert "promote" in version.description
    assert "| loss | 1.92 | 1.57 |" in version.description


def test_the_scores_hang_on_the_model_and_name_their_data(world: World) -> None:
    chain = world.chain(tag="first")
    told = said(world.release(chain, "first"))
    scores = {m.key: m for m in world.tracking.client.get_logged_model(told["model_id"]).metrics}
    assert scores["loss/tuned"].value == pytest.approx(1.57)
    assert scores["loss/tuned"].dataset_digest == chain["mixture"].reference.key
    assert "loss/champion" not in scores  # there was none: not measured is not 0


def test_the_next_champion_leaves_the_old_one_as_previous(world: World) -> None:
    first = world.chain(tag="one")
    world.release(first, "line")
    second = world.chain(tag="two", champion=first["train"].reference.key)
    told = said(world.release(second, "line"))
    client = world.tracking.client
    assert told["version"] == 2
    assert client.get_model_version_by_alias("line", "champion").version == 2
    assert client.get_model_version_by_alias("line", "previous").version == 1


def test_the_verdict_is_stored_with_the_version(world: World) -> None:
    chain = world.chain(tag="kept")
    told = said(world.release(chain, "kept"))
    place = Path(world.tracking.client.get_logged_model(told["model_id"]).artifact_location.removeprefix("file://"))
    (stored,) = place.rglob("verdict.json")
    assert stored.read_bytes() == chain["evaluate"].path("verdict.json").read_bytes()


@pytest.mark.parametrize("verdict", ["refuse", "inconclusive"])
def test_without_the_gates_yes_a_version_is_a_candidate_only(world: World, verdict: str) -> None:
    told = said(world.release(world.chain(tag=verdict, verdict=verdict), verdict))
    assert (told["aliases"], told["promoted"]) == (["candidate"], False)
    assert told["why_not"] == f"the gate's verdict is {verdict}. Against the base: loss is undecided."
    assert champion(world.home, verdict) is None


def test_a_release_killed_before_its_commit_registers_nothing_twice(world: World) -> None:
    chain = world.chain(tag="killed")
    artifact = world.release(chain, "killed")
    for path in artifact.folder.rglob("*"):  # as if the process had died before the artifact was committed
        path.unlink() if path.is_file() else None
    again = said(world.release(chain, "killed"))
    client = world.tracking.client
    assert again["version"] == 1
    assert again["aliases"] == ["candidate", "champion"]
    assert len(client.search_model_versions("name = 'killed'")) == 1


def test_an_old_release_made_again_does_not_take_the_place_of_a_newer_champion(world: World) -> None:
    old, new = world.chain(tag="old"), None
    artifact = world.release(old, "order")
    new = world.chain(tag="new", champion=old["train"].reference.key)
    world.release(new, "order")
    (artifact.folder / "manifest.json").unlink()
    world.release(old, "order")
    assert champion(world.home, "order").version == 2


def test_a_verdict_against_a_champion_that_is_gone_promotes_nobody_and_is_outdated(world: World) -> None:
    assert said(world.release(world.chain(tag="swift"), "race"))["outdated"] is False
    told = said(world.release(world.chain(tag="late", champion=None), "race"))
    assert (told["promoted"], told["outdated"]) == (False, True)
    assert told["why_not"] == "version 1 became champion after this candidate was judged; run again to judge it anew"


def test_a_champion_that_was_known_but_not_compared_with_is_not_replaced(world: World) -> None:
    first = world.chain(tag="known")
    world.release(first, "compared")
    chain = world.chain(tag="loose", champion=first["train"].reference.key, baseline="base")
    told = said(world.release(chain, "compared"))
    assert (told["promoted"], told["why_not"]) == (False, "it was not compared with the champion, version 1")
    assert champion(world.home, "compared").version == 1


def test_a_missing_link_of_the_lineage_is_refused_and_nothing_is_registered(world: World) -> None:
    chain = world.chain(tag="broken")
    lineage = [a for a in lineage_of(world.store, chain) if a.reference.stage != "dedup"]
    with pytest.raises(BrokenArtifact, match="was made from dedup/"):
        world.release(chain, "broken", lineage)
    assert champion(world.home, "broken") is None
    assert world.tracking.client.search_registered_models("name = 'broken'") == []


def test_the_commit_is_known_inside_a_repository_alone(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None
    assert git_commit(tmp_path / "not" / "there") is None
