"""Planned source files: what is read, what decides how, and what is taken down."""

import os
from pathlib import Path

import pytest

from tests.tuneloom.plan.planned import config, keys
from tuneloom.errors import ConfigError, TuneloomError
from tuneloom.plan import check_prompts, check_transforms, check_unchanged, make_plan


def test_what_is_no_file_among_the_sources_is_planned_without_being_opened(project: Path) -> None:
    os.mkfifo(project / "data" / "pipe.json")
    (project / "data" / "broken.json").symlink_to(project / "gone")
    digests = {planned.file.relative: planned.spec.inputs["digest"] for planned in make_plan(config(), project).files}
    assert digests["pipe.json"] == digests["broken.json"] == "not a file"
    assert len({*digests.values()}) == 3


def test_a_takedown_list_is_an_input_of_ingest(project: Path) -> None:
    (project / "gone.txt").write_text("0123\n")
    plan = make_plan(config(takedowns="gone.txt"), project)
    assert plan.takedowns == {"0123"}
    assert keys(plan)["ingest"] != keys(make_plan(config(), project))["ingest"]


@pytest.mark.parametrize("change", ["[{}, {}]", None])
def test_a_source_file_that_changed_after_the_plan_is_told(project: Path, change: str | None) -> None:
    plan = make_plan(config(), project)
    for planned in plan.files:
        check_unchanged(plan.home, project, planned)
    if change is None:
        (project / "data" / "b.json").unlink()
    else:
        (project / "data" / "b.json").write_text(change)
    check_unchanged(plan.home, project, plan.files[0])
    with pytest.raises(TuneloomError, match="changed while" if change else "no file") as caught:
        check_unchanged(plan.home, project, plan.files[1])
    assert "b.json" in caught.value.where


@pytest.mark.parametrize(
    ("name", "key", "settings"),
    [
        ("formats/mine.py", "plugins", {"plugins": ["formats/mine.py"]}),
        ("mine.py", "quality.transforms", {"quality": {"transforms": ["mine.py"]}}),
        ("templates/mine/en.jinja", "render.prompts", {"render": {"prompts": ["./templates"]}}),
    ],
)
def test_a_file_of_the_users_that_changed_after_the_plan_is_told(
    project: Path, name: str, key: str, settings: dict
) -> None:
    """The stage reads it again, so that it would make another artifact than its key says."""
    file = project / name
    file.parent.mkdir(parents=True, exist_ok=True)
    (file.parent / "family.yaml").write_text("tasks: ['*']\n")
    text = "---\nlanguage: en\n---\n{{ instruction }}\n" if file.suffix == ".jinja" else "x = 1\n"
    file.write_text(text)
    plan = make_plan(config(**settings), project)

    def check() -> None:
        check_unchanged(plan.home, project, plan.files[0])
        check_transforms(plan.config, project, plan.inputs)
        check_prompts(plan.config, project, plan.inputs)

    check()
    file.write_text(text.replace("1", "2").replace("}}", "}}!"))
    with pytest.raises(TuneloomError, match=f"a file of {key} changed while"):
        check()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a/clean.py", "b/clean.py"), "a/clean.py and b/clean.py have one name"),
        (("a/clean.py", "a/clean.py"), "a/clean.py is named twice"),
    ],
)
def test_two_transforms_of_one_name_are_refused_before_anything_runs(
    project: Path, names: tuple[str, ...], told: str
) -> None:
    for name in names:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("def transform(row):\n    return row\n")
    with pytest.raises(ConfigError, match=f"{told}.*quality.transforms"):
        make_plan(config(quality={"transforms": names}), project)
    make_plan(config(quality={"transforms": names[:1]}), project)


def test_the_licences_that_may_train_are_an_input_of_what_trains(project: Path) -> None:
    allow = {"licenses": {"allow": ["MIT"]}}
    assert keys(make_plan(config(**allow), project))["ingest"] != keys(make_plan(config(), project))["ingest"]
    suite = {"sources": [{"name": "s", "path": "data/*.json", "use": "decontaminate"}]}
    assert keys(make_plan(config(**suite, **allow), project)) == keys(make_plan(config(**suite), project))
