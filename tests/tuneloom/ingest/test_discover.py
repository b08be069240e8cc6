"""A source's path: a file, a folder, a glob, with environment variables."""

import os
from pathlib import Path

import pytest

from tuneloom.config import Source
from tuneloom.config_file import load_config
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


def test_a_name_that_looks_like_one_of_the_hub_gets_that_remedy(root: Path) -> None:
    with pytest.raises(MissingFile, match="write hub:tatsu-lab/alpaca"):
        found("tatsu-lab/alpaca", root)
    with pytest.raises(MissingFile) as caught:
        found("data/nowhere.jsonl", root)
    assert "hub:" not in str(caught.value)


def test_what_cannot_be_read_among_others_is_named_and_what_stands_alone_is_told(root: Path) -> None:
    os.mkfifo(root / "data/pipe.jsonl")
    (root / "data/broken.jsonl").symlink_to(root / "gone")
    (root / "data/itself.jsonl").symlink_to(root / "data/itself.jsonl")
    (root / "data/deep/up").symlink_to(root / "data")
    (root / "beside").mkdir()
    (root / "beside/d.jsonl").write_text("{}")
    (root / "data/linked").symlink_to(root / "beside")
    everything = ["a.jsonl", "b.jsonl", "broken.jsonl", "deep/c.json", "deep/up", "itself.jsonl", "linked/d.jsonl"]
    assert found("data", root) == [*everything, "pipe.jsonl"]
    assert found("data/*.jsonl", root) == ["a.jsonl", "b.jsonl", "broken.jsonl", "itself.jsonl", "pipe.jsonl"]
    assert found("data/**/c.json", root) == ["deep/c.json"]
    for path, what in [("pipe", "a named pipe"), ("broken", "a link to a file that is not"), ("itself", "to itself")]:
        with pytest.raises(MissingFile, match=what):
            found(f"data/{path}.jsonl", root)


def test_a_folder_that_may_not_be_entered_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listdir = os.listdir

    def closed(folder: Path) -> list[str]:
        if Path(folder).name == "deep":
            raise PermissionError
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", closed)
    assert found("data", root) == ["a.jsonl", "b.jsonl", "deep"]


def test_a_folder_under_the_name_of_a_file_means_its_files(root: Path) -> None:
    (root / "data/parts.jsonl").mkdir()
    (root / "data/parts.jsonl/part-0").write_text("{}")
    assert found("data/parts.jsonl", root) == ["part-0"]
    assert found("data/*.jsonl", root) == ["a.jsonl", "b.jsonl", "parts.jsonl/part-0"]
    assert "deep" not in " ".join(found("data/*", root))


def test_a_file_url_is_the_file_itself(root: Path) -> None:
    (file,) = discover(Source(name="s", path=f"file://{root}/data/a.jsonl"), Path("/elsewhere"))
    assert (file.relative, file.path) == ("a.jsonl", root / "data/a.jsonl")
    assert found(f"file://{root}/data", root) == ["a.jsonl", "b.jsonl", "deep/c.json"]


def test_a_saved_data_set_is_its_listed_shards(root: Path) -> None:
    datasets = pytest.importorskip("datasets")
    split = datasets.Dataset.from_dict({"q": ["a", "b", "c"], "a": ["1", "2", "3"]})
    datasets.DatasetDict({"train": split, "test": split}).save_to_disk(
        root / "saved", num_shards={"train": 2, "test": 1}
    )
    (root / "saved/train/cache-12ab.arrow").write_bytes(b"")
    shards = ["test/data-00000-of-00001.arrow", "train/data-00000-of-00002.arrow", "train/data-00001-of-00002.arrow"]
    assert found("saved", root) == shards
    assert found("saved/train", root) == [shard.removeprefix("train/") for shard in shards[1:]]
    (root / "saved/train/data-00001-of-00002.arrow").unlink()
    with pytest.raises(MissingFile, match=r"the shard train/data-00001-of-00002\.arrow, which is not there"):
        found("saved", root)


def test_a_closed_path_is_not_permitted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may read everything
    with pytest.raises(NotPermitted, match="no permission"):
        found("data", root)


def test_a_name_that_is_no_text_is_still_printable(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jsonl")).write_text("{}")
    assert found(".", tmp_path) == ["caf\\xe9.jsonl"]


def test_a_name_that_is_no_text_is_no_other_files(tmp_path: Path) -> None:
    for name in (os.fsdecode(b"caf\xe9.jsonl"), "caf\\xe9.jsonl"):
        (tmp_path / name).write_text("{}")
    assert found(".", tmp_path) == ["caf\\\\xe9.jsonl", "caf\\xe9.jsonl"]


def test_the_t0_recipe_finds_all_of_t0(realdata: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELOOM_REALDATA", str(realdata))
    recipe = Path(__file__).parents[3] / "data/recipes/t0.yaml"
    (source,) = load_config(recipe).sources
    assert [file.relative for file in discover(source, recipe.parent)] == sorted(
        path.name for path in (realdata / "t0").iterdir()
    )
