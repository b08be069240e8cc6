"""A source's path: a file, a folder, a glob, with environment variables."""

import os
from pathlib import Path

import pytest

from tuneloom.config import Source, load_config
from tuneloom.errors import ConfigError, MissingFile, NotPermitted
from tuneloom.ingest.discover import discover


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("data/b.jsonl", "data/a.jsonl", "data/deep/c.json", "data/.hidden.jsonl", "data/.git/x.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    return tmp_path


def found(path: str, root: Path) -> list[str]:
    return [file.relative for file in discover(Source(name="s", path=path), root)]


def test_a_file_is_named_by_itself(root: Path) -> None:
    assert found("data/a.jsonl", root) == ["a.jsonl"]


def test_a_folder_gives_all_its_visible_files_in_order(root: Path) -> None:
    assert found("data", root) == ["a.jsonl", "b.jsonl", "deep/c.json"]


def test_a_glob_names_files_from_its_first_wildcard(root: Path) -> None:
    assert found("data/*.jsonl", root) == ["a.jsonl", "b.jsonl"]
    assert found("data/**/*.json*", root) == ["a.jsonl", "b.jsonl", "deep/c.json"]
    assert found("d*/deep/c.json", root) == ["data/deep/c.json"]


def test_a_file_whose_name_looks_like_a_glob_is_taken_as_it_is(root: Path) -> None:
    (root / "data/x[1].jsonl").write_text("{}")
    assert found("data/x[1].jsonl", root) == ["x[1].jsonl"]


def test_origins_are_the_same_wherever_the_data_lies(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOM_DATA", str(root / "data"))
    (file, *_) = discover(Source(name="s", path="${LOOM_DATA}/*.jsonl"), Path("/elsewhere"))
    assert (file.relative, file.path) == ("a.jsonl", root / "data/a.jsonl")


def test_an_unset_variable_is_a_config_error_that_names_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOM_DATA", raising=False)
    with pytest.raises(ConfigError, match=r"LOOM_DATA.*not set"):
        found("${LOOM_DATA}/*.jsonl", root)


@pytest.mark.parametrize("path", ["nowhere.jsonl", "data/*.parquet", "empty"])
def test_a_path_that_matches_nothing_is_missing(path: str, root: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(MissingFile, match="source 's'") as caught:
        found(path, root)
    assert path in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_closed_path_is_not_permitted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may read everything
    with pytest.raises(NotPermitted, match="no permission"):
        found("data", root)


def test_a_name_that_is_no_text_is_still_printable(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jsonl")).write_text("{}")
    assert found(".", tmp_path) == ["caf\\xe9.jsonl"]


def test_the_t0_recipe_finds_all_of_t0(realdata: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELOOM_REALDATA", str(realdata))
    recipe = Path(__file__).parents[3] / "data/recipes/t0.yaml"
    (source,) = load_config(recipe).sources
    assert [file.relative for file in discover(source, recipe.parent)] == sorted(
        path.name for path in (realdata / "t0").iterdir()
    )
