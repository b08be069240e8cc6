"""Plans: a champion frozen once, and a release that stands or does not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tuneloom.plan.planned import config, judged, keys, release
from tuneloom.artifacts import Reference
from tuneloom.plan import Plan, champion_is_settled, make_plan, why, with_champion
from tuneloom.records import digest
from tuneloom.runs import FrozenChampion, freeze_champion, write_run


def test_a_frozen_champion_is_the_same_in_every_resume(project: Path) -> None:
    plan = make_plan(config(), project)
    champion = FrozenChampion("m", 3, "abc", "models:/m/3")
    record = freeze_champion(plan.record, champion)
    write_run(plan.store, record)
    resumed = make_plan(config(), project)
    assert resumed.record.champion == champion
    assert keys(resumed) == keys(with_champion(plan, record))
    assert keys(resumed)["evaluate"] != keys(with_champion(plan, freeze_champion(plan.record, None)))["evaluate"]


def test_the_report_is_keyed_by_what_the_release_said(project: Path) -> None:
    plan = judged(project)
    assert "report" not in plan.specs
    first = release(plan)
    one = make_plan(config(), project)
    assert one.specs["report"].inputs == {"title": "tuneloom", "release": first}
    assert one.specs["report"].parents[-1] == one.specs["release"].reference
    plan.store.remove(plan.specs["release"].reference, "its registry is gone")
    release(plan, version=7)
    other = make_plan(config(), project)
    assert other.specs["release"].key == one.specs["release"].key
    assert other.specs["report"].key != one.specs["report"].key


def test_a_release_whose_version_the_registry_lacks_is_not_reused_though_it_is_in_the_store(project: Path) -> None:
    release(judged(project))
    plan = make_plan(config(), project)
    plan.store.ensure(plan.specs["report"], lambda writer: None)
    assert dict(plan.found())["release"] is not None
    reusable = dict(plan.reusable())
    assert (reusable["release"], reusable["report"]) == (None, None)
    assert why(plan, "release") == "the registry does not have its version"
    assert why(plan, "report") == "after the release"


def test_what_a_registry_says_stands_is_reused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("tuneloom.release.presence.has_version", lambda *about: asked.append(about) or True)
    release(judged(project))
    plan = make_plan(config(), project)
    assert dict(plan.reusable())["release"] is not None
    assert asked == [(plan.home, "m", 1, "m-1")]
    assert (why(plan, "release"), why(plan, "report")) == ("never ran", "never ran")


def test_the_champion_is_settled_once_the_release_stands(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = [True]
    monkeypatch.setattr("tuneloom.release.presence.has_version", lambda *about: there[0])
    assert not champion_is_settled(make_plan(config(), project))
    plan = judged(project)
    assert not champion_is_settled(plan)
    release(plan)
    assert champion_is_settled(plan)
    there[0] = False
    assert not champion_is_settled(plan)


def test_a_release_refused_since_another_became_champion_settles_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuneloom.release.presence.has_version", lambda *about: True)
    plan = judged(project)
    release(plan, outdated=True)
    plan = make_plan(config(), project)
    assert not champion_is_settled(plan)
    assert dict(plan.reusable())["release"] is None
    assert why(plan, "release") == "another model became champion after this candidate was judged"


def stand(plan: Plan, before: str | None = None, split: str = "") -> str:
    """Lets an index of released rows stand for the plan's pipeline; its key."""
    text = json.dumps({"name": plan.config.name, "index": "1" * 32, "before": before, "split": split})
    plan.store.documents.write(f"released/{digest(plan.config.name)}.json", text)
    return "1" * 32


def test_the_released_index_is_an_input_of_dedup_and_split_and_of_what_follows(project: Path) -> None:
    before = make_plan(config(), project)
    index = Reference("released", stand(before))
    after = make_plan(config(), project)
    assert [stage for stage in before.specs if keys(before)[stage] == keys(after)[stage]] == ["ingest"]
    assert after.specs["dedup"].consulted == after.specs["split"].consulted == (index,)
    assert keys(make_plan(config(name="other"), project)) == keys(before)


def test_a_run_goes_by_the_released_index_that_it_started_with(project: Path) -> None:
    plan = make_plan(config(), project)
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    write_run(plan.store, replace(plan.record, specs=specs))
    stand(plan)
    assert keys(make_plan(config(), project)) == keys(plan)
    assert why(make_plan(config(seed=1), project), "dedup") == "rows were released since"


def test_a_run_on_the_very_data_of_the_last_release_reuses_its_data(project: Path) -> None:
    plan = make_plan(config(), project)
    stand(plan, split=plan.specs["split"].key)
    tuned = make_plan(config(train={"rank": 4}), project)
    assert [stage for stage in plan.specs if keys(plan)[stage] != keys(tuned)[stage]] == ["train"]
    (project / "data" / "c.json").write_text("[]")
    assert make_plan(config(), project).specs["dedup"].consulted
