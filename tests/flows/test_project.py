"""Which `.tuneloom` a command means, and that only a run makes one."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.project import finished, home_of, last_plan, nearest_home, plan_of, plan_to_run, read_last
from tests.flows.projects import make_project, options, run_data_stages
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.runs import write_run


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config two folders below the repository's top."""
    return make_project(tmp_path / "top" / "data" / "quickstart")


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_the_home_is_beside_the_config_where_there_is_one(config: Path) -> None:
    made(config.parents[2] / ".tuneloom")
    beside = made(config.parent / ".tuneloom")
    assert home_of(options(config=config)) == beside


def test_else_it_is_the_nearest_one_above_the_config(config: Path) -> None:
    made(config.parents[3] / ".tuneloom")
    top = made(config.parents[2] / ".tuneloom")
    assert home_of(options(config=config)) == top


def test_else_a_new_one_beside_the_config(config: Path) -> None:
    assert home_of(options(config=config)) == config.parent / ".tuneloom"


def test_a_given_home_comes_first(config: Path, tmp_path: Path) -> None:
    made(config.parent / ".tuneloom")
    assert home_of(options(config=config, home=tmp_path / "mine")) == tmp_path / "mine"


@pytest.mark.parametrize("above", ["user", "."])
def test_the_search_never_reaches_the_users_home_directory_or_beyond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, above: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    project = made(tmp_path / "user" / "work" / "project")
    made(tmp_path / above / ".tuneloom")
    assert nearest_home(project) is None


def test_who_works_right_in_the_home_directory_has_its_tuneloom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert nearest_home(tmp_path) is None
    assert nearest_home(made(tmp_path / ".tuneloom").parent) == tmp_path / ".tuneloom"


def test_without_a_config_the_search_begins_here(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent)
    with pytest.raises(MissingFile, match=r"no \.tuneloom here or above"):
        home_of(options())
    top = made(config.parents[2] / ".tuneloom")
    assert home_of(options()) == top


def test_planning_leaves_nothing_behind(config: Path) -> None:
    before = sorted(config.parents[2].rglob("*"))
    plan_of(options(config=config), print)
    assert sorted(config.parents[2].rglob("*")) == before


def test_a_config_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        plan_to_run(options(config=tmp_path / "gone.yaml"), print)
    assert list(tmp_path.iterdir()) == []


def test_only_a_run_is_remembered_as_the_last(config: Path) -> None:
    ran = plan_to_run(options(config=config, overrides=["train.rank=4"], limit=5), print)
    plan_of(options(config=config), print)
    again = last_plan(options(home=ran.home), print)
    assert again.record.identity == ran.record.identity
    assert (again.limit, again.config.train.rank) == (5, 4)


def test_who_looks_after_a_change_sees_what_ran_and_is_told(config: Path) -> None:
    said: list[str] = []
    ran = plan_to_run(options(config=config), print)
    made_by_it = run_data_stages(ran)
    assert finished(ran, said.append)["dedup"] == made_by_it["dedup"]
    assert said == []
    keys = {stage: artifact.reference.key for stage, artifact in made_by_it.items()}
    write_run(ran.store, replace(ran.record, stages=keys))
    changed = plan_of(options(config=config, overrides=["dedup.near=null"]), print)
    assert finished(changed, said.append)["dedup"] == made_by_it["dedup"]
    assert len(said) == 1
    assert "changed since" in said[0]


def test_a_damaged_note_of_the_last_run_is_named(tmp_path: Path) -> None:
    assert read_last(tmp_path) is None
    (tmp_path / "last.json").write_text('{"config": "/a')
    with pytest.raises(ConfigError, match="damaged") as caught:
        read_last(tmp_path)
    assert "last.json" in caught.value.where
