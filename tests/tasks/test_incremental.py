"""A refresh reads what is new and nothing else, and what it gives is what a first run would give, byte for byte."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from prefect.states import Failed

from tasks.ingest import ingest
from tests.tasks.conftest import Told, plan_run
from tests.tuneloom.artifacts.test_space import no_file_larger_than
from tuneloom.artifacts import Artifact, Writer
from tuneloom.changes import FileChanges, file_changes
from tuneloom.config_file import load_config
from tuneloom.errors import DiskFull
from tuneloom.ingest import files
from tuneloom.plan import make_plan

Refresh = Callable[..., tuple[Artifact, list[str], FileChanges]]


def write_rows(file: Path, words: str, count: int = 3) -> None:
    rows = [{"instruction": f"Say {words} {n}", "output": f"{words} {n}"} for n in range(count)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path) -> Path:
    """A config of one source with ten files."""
    (tmp_path / "data").mkdir()
    for n in range(10):
        write_rows(tmp_path / "data" / f"f{n:03d}.jsonl", f"file {n}")
    tree = {"model": str(tiny_model), "sources": [{"name": "s", "path": "data"}]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    return tmp_path


@pytest.fixture
def refresh(told: Told, monkeypatch: pytest.MonkeyPatch) -> Refresh:
    """Runs the ingest task of the config in a folder: its artifact, the files it read, and what the plan said before.

    Another `home` is another store: a first run.
    """
    read: list[str] = []
    ingest_file = files.ingest_file

    def counted(writer, file, *rest) -> frozenset[str]:
        read.append(file.relative)
        return ingest_file(writer, file, *rest)

    monkeypatch.setattr(files, "ingest_file", counted)

    def refresh(folder: Path, home: Path | None = None) -> tuple[Artifact, list[str], FileChanges]:
        read.clear()
        config = folder / "config.yaml"
        changes = file_changes(make_plan(load_config(config), folder, home=home))
        run = plan_run(config, told, home=home)
        ingest.fn(run)
        return run.artifact("ingest"), list(read), changes

    return refresh


def same_as_a_first_run(refresh: Refresh, folder: Path, artifact: Artifact, elsewhere: Path) -> bool:
    """Whether a full recompute in a new store has the same key, the same data bytes and the same order."""
    fresh, read, _ = refresh(folder, elsewhere)
    assert len(read) == len(fresh.members)
    files = [[file.digest for file in one.manifest.files] for one in (*artifact.members, *fresh.members)]
    half = len(files) // 2
    return artifact.manifest.key == fresh.manifest.key and files[:half] == files[half:]


def test_one_file_more_of_a_hundred_is_the_one_that_is_read(folder: Path, refresh: Refresh) -> None:
    for n in range(10, 100):
        write_rows(folder / "data" / f"f{n:03d}.jsonl", f"file {n}")
    _, read, changes = refresh(folder)
    assert len(read) == 100
    assert (changes.first, len(changes.read), changes.reused) == (True, 100, 0)
    write_rows(folder / "data" / "f0505.jsonl", "a new one")
    artifact, read, changes = refresh(folder)
    assert read == ["f0505.jsonl"]
    assert (changes.new, changes.changed, changes.gone, changes.reused) == (("s:f0505.jsonl",), (), (), 100)
    assert artifact.manifest.counts.rows_out == 303
    assert same_as_a_first_run(refresh, folder, artifact, folder / "elsewhere")


def test_changed_removed_and_renamed_files_do_what_they_say(folder: Path, refresh: Refresh) -> None:
    refresh(folder)
    write_rows(folder / "data" / "f001.jsonl", "changed", count=5)
    (folder / "data" / "f002.jsonl").unlink()
    (folder / "data" / "f003.jsonl").rename(folder / "data" / "other.jsonl")
    artifact, read, changes = refresh(folder)
    assert sorted(read) == ["f001.jsonl", "other.jsonl"]
    assert (changes.changed, changes.gone, changes.new) == (("s:f001.jsonl",), ("s:f002.jsonl",), ())
    assert changes.renamed == (("s:f003.jsonl", "s:other.jsonl"),)
    assert artifact.manifest.counts.rows_out == 29
    files = {row["file"] for table in artifact.tables(["origin"]) for row in table["origin"].to_pylist()}
    assert {"f001.jsonl", "other.jsonl"} <= files
    assert not {"f002.jsonl", "f003.jsonl"} & files
    assert same_as_a_first_run(refresh, folder, artifact, folder / "elsewhere")


def test_a_file_that_is_touched_or_rewritten_alike_is_not_read_and_one_that_is_back_is_not_either(
    folder: Path, refresh: Refresh
) -> None:
    first, _, _ = refresh(folder)
    file = folder / "data" / "f004.jsonl"
    before = file.read_bytes()
    os.utime(file, (1, 1))
    (folder / "data" / "f005.jsonl").write_bytes((folder / "data" / "f005.jsonl").read_bytes())
    artifact, read, changes = refresh(folder)
    assert (read, changes.reused) == ([], 10)
    assert artifact.manifest.key == first.manifest.key
    file.unlink()
    refresh(folder)
    file.write_bytes(before)
    artifact, read, changes = refresh(folder)
    assert (read, changes.new, changes.read) == ([], ("s:f004.jsonl",), ())
    assert artifact.manifest.key == first.manifest.key


def test_a_folder_that_moved_as_a_whole_is_not_read_again(folder: Path, refresh: Refresh, tmp_path_factory) -> None:
    first, _, _ = refresh(folder)
    moved = tmp_path_factory.mktemp("moved") / "project"
    shutil.copytree(folder, moved)
    shutil.rmtree(folder / "data")
    artifact, read, changes = refresh(moved)
    assert (read, changes.reused, changes.gone) == ([], 10, ())
    assert artifact.manifest.key == first.manifest.key


def test_on_a_full_disk_ingestion_ends_is_not_retried_keeps_what_is_whole_and_goes_on_later(
    folder: Path, refresh: Refresh
) -> None:
    rows = [{"instruction": os.urandom(400).hex(), "output": os.urandom(400).hex()} for _ in range(300)]
    (folder / "data" / "f005.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with no_file_larger_than(200_000), pytest.raises(DiskFull, match="the disk is full") as caught:
        refresh(folder)
    assert "store, stage ingest" in caught.value.where
    assert not ingest.retry_condition_fn(ingest, None, Failed(data=caught.value))
    left = [path for path in (folder / ".tuneloom" / "store" / ".work").rglob("*") if path.is_file()]
    assert left == []
    artifact, read, _ = refresh(folder)
    assert len(read) == 5
    assert artifact.manifest.counts.rows_out == 9 * 3 + 300
    assert same_as_a_first_run(refresh, folder, artifact, folder / "elsewhere")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS])
def test_what_will_be_the_same_again_is_not_tried_again(number: int) -> None:
    assert not ingest.retry_condition_fn(ingest, None, Failed(data=OSError(number, "no")))
    assert ingest.retry_condition_fn(ingest, None, Failed(data=OSError(errno.EIO, "flaky")))


def test_a_writer_that_finds_the_disk_full_stores_nothing(
    folder: Path, refresh: Refresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Writer.finish

    def full(writer: Writer):
        if writer.spec.inputs.get("file") == "f001.jsonl":
            raise OSError(errno.ENOSPC, "No space left on device")
        return finish(writer)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "finish", full)
        with pytest.raises(DiskFull, match="No space left on device"):
            refresh(folder)
    stored = list((folder / ".tuneloom" / "store" / "ingest").glob("*/manifest.json"))
    assert len(stored) == 1
    _, read, _ = refresh(folder)
    assert len(read) == 9
