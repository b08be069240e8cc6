"""Plans: keys from inputs alone, reasons that name the changed setting or file, a champion frozen once."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.hollow import make_hollow
from tuneloom.config import Config
from tuneloom.config_file import parse_config
from tuneloom.errors import TuneloomError
from tuneloom.plan import DATA_STAGES, STAGES, Plan, champion_is_settled, check_unchanged, make_plan, why, with_champion
from tuneloom.runs import FrozenChampion, RunRecord, freeze_champion, write_run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two source files and a folder that passes for a model."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    for name in ("a", "b"):
        (folder / "data" / f"{name}.json").write_text(json.dumps([{"instruction": name, "output": "x"}]))
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}")
    (folder / "model" / "model.safetensors").write_text("weights")
    return folder


def config(**more: object) -> Config:
    return parse_config({"model": "model", "sources": [{"name": "s", "path": "data/*.json"}], **more})


def keys(plan: Plan) -> dict[str, str]:
    return {stage: spec.key for stage, spec in plan.specs.items()}


def test_what_is_no_file_among_the_sources_is_planned_without_being_opened(project: Path) -> None:
    os.mkfifo(project / "data" / "pipe.json")
    (project / "data" / "broken.json").symlink_to(project / "gone")
    digests = {planned.file.relative: planned.spec.inputs["digest"] for planned in make_plan(config(), project).files}
    assert digests["pipe.json"] == digests["broken.json"] == "not a file"
    assert len({*digests.values()}) == 3


def test_every_stage_up_to_train_has_a_key_before_anything_ran(project: Path) -> None:
    plan = make_plan(config(), project)
    assert tuple(plan.specs) == STAGES[: STAGES.index("train") + 1]
    assert set(dict(plan.found()).values()) == {None}


def test_keys_do_not_depend_on_name_store_or_place(project: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(project, tmp_path / "elsewhere" / "deep")
    one = make_plan(config(), project)
    other = make_plan(config(name="other", store=str(tmp_path / "store")), moved)
    assert keys(one) == keys(other)


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"dedup": {"near": {"threshold": 0.7}}}, "dedup"),
        ({"split": {"test": 0.1}}, "split"),
        ({"decontaminate": {"coverage": 0.4}}, "decontaminate"),
        ({"decontaminate": None}, "decontaminate"),
        ({"quality": {"pii": "reject"}}, "quality"),
        ({"mixture": {"cap": 5}}, "mixture"),
        ({"render": {"max_length": 512}}, "render"),
        ({"train": {"rank": 4}}, "train"),
        ({"seed": 1}, "split"),
    ],
)
def test_a_changed_setting_changes_its_stage_and_those_after_it(project: Path, change: dict, first: str) -> None:
    before, after = keys(make_plan(config(), project)), keys(make_plan(config(**change), project))
    changed = [stage for stage in before if before[stage] != after[stage]]
    assert changed == list(before)[list(before).index(first) :]


def test_a_changed_model_spares_the_stages_that_do_not_read_it(project: Path) -> None:
    before = keys(make_plan(config(), project))
    (project / "model" / "model.safetensors").write_text("other weights")
    after = keys(make_plan(config(), project))
    assert [stage for stage in before if before[stage] == after[stage]] == list(DATA_STAGES[:6])


def test_why_names_the_setting_and_the_file(project: Path) -> None:
    plan = make_plan(config(), project)
    assert why(plan, "dedup") == "never ran"
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    write_run(plan.store, RunRecord(plan.record.identity, "tuneloom", stages=keys(plan), specs=specs))
    assert why(plan, "dedup") == "its artifact is gone"
    (project / "data" / "c.json").write_text("[]")
    (project / "data" / "a.json").write_text("[{}]")
    (project / "data" / "b.json").unlink()
    later = make_plan(config(dedup={"near": {"threshold": 0.7}}), project)
    assert why(later, "ingest") == "file s:a.json changed; file s:b.json is gone; file s:c.json is new"
    assert why(later, "dedup") == "near.threshold 0.8 -> 0.7"
    assert why(later, "split") == "dedup changed"
    assert why(later, "evaluate") == "after the champion is known"


def test_a_takedown_list_is_an_input_of_ingest(project: Path) -> None:
    (project / "gone.txt").write_text("0123\n")
    plan = make_plan(config(takedowns="gone.txt"), project)
    assert plan.takedowns == {"0123"}
    assert keys(plan)["ingest"] != keys(make_plan(config(), project))["ingest"]


def test_a_frozen_champion_is_the_same_in_every_resume(project: Path) -> None:
    plan = make_plan(config(), project)
    champion = FrozenChampion("m", 3, "abc", "models:/m/3")
    record = freeze_champion(plan.record, champion)
    write_run(plan.store, record)
    resumed = make_plan(config(), project)
    assert resumed.record.champion == champion
    assert keys(resumed) == keys(with_champion(plan, record))
    assert keys(resumed)["evaluate"] != keys(with_champion(plan, freeze_champion(plan.record, None)))["evaluate"]


def release(plan: Plan, **told: object) -> str:
    """Commits the plan's release as if it had run; its digest."""
    said = {"model_name": "m", "version": 1, "model_id": "m-1", "outdated": False, **told}
    make_hollow(plan, "release")
    made = plan.store.ensure(
        plan.specs["release"], lambda writer: writer.file("release.json").write_text(json.dumps(said))
    )
    return next(file.digest for file in made.manifest.files if file.path == "release.json")


def judged(project: Path, champion: FrozenChampion | None = None) -> Plan:
    """A plan whose champion is resolved, and remembered."""
    plan = make_plan(config(), project)
    record = write_run(plan.store, freeze_champion(plan.record, champion))
    return with_champion(plan, record)


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


@pytest.mark.parametrize("change", ["[{}, {}]", None])
def test_a_source_file_that_changed_after_the_plan_is_told(project: Path, change: str | None) -> None:
    plan = make_plan(config(), project)
    for planned in plan.files:
        check_unchanged(plan, planned)
    if change is None:
        (project / "data" / "b.json").unlink()
    else:
        (project / "data" / "b.json").write_text(change)
    check_unchanged(plan, plan.files[0])
    with pytest.raises(TuneloomError, match="changed while" if change else "no file") as caught:
        check_unchanged(plan, plan.files[1])
    assert "b.json" in caught.value.where


def test_a_limit_makes_another_run(project: Path) -> None:
    whole, part = make_plan(config(), project), make_plan(config(), project, limit=1)
    assert whole.record.identity != part.record.identity
    assert keys(whole)["ingest"] != keys(part)["ingest"]


def test_the_licences_that_may_train_are_an_input_of_what_trains(project: Path) -> None:
    allow = {"licenses": {"allow": ["MIT"]}}
    assert keys(make_plan(config(**allow), project))["ingest"] != keys(make_plan(config(), project))["ingest"]
    suite = {"sources": [{"name": "s", "path": "data/*.json", "use": "decontaminate"}]}
    assert keys(make_plan(config(**suite, **allow), project)) == keys(make_plan(config(**suite), project))


def test_why_ingest_runs_names_the_source_and_its_setting(project: Path) -> None:
    plan = make_plan(config(), project)
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    write_run(plan.store, RunRecord(plan.record.identity, "tuneloom", stages=keys(plan), specs=specs))
    named = {"name": "s", "path": "data/*.json", "format": "alpaca"}
    assert why(make_plan(config(sources=[named]), project), "ingest") == "sources.s.format auto -> alpaca"
    more = [{"name": "s", "path": "data/*.json"}, {"name": "t", "path": "data/a.json"}]
    assert why(make_plan(config(sources=more), project), "ingest") == "sources.t is new; file t:a.json is new"
    allowed = make_plan(config(licenses={"allow": ["MIT"]}), project)
    assert why(allowed, "ingest") == "licenses.allow None -> ['MIT']"


def test_of_many_changes_the_first_are_named(project: Path) -> None:
    plan = make_plan(config(), project)
    specs = {stage: spec.as_dict() for stage, spec in plan.specs.items()}
    write_run(plan.store, RunRecord(plan.record.identity, "tuneloom", stages=keys(plan), specs=specs))
    for number in range(9):
        (project / "data" / f"n{number}.json").write_text("[{}]")
    assert why(make_plan(config(), project), "ingest").endswith("file s:n3.json is new; and 5 more")
