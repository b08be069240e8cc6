"""Digests are remembered by path, size and time, a line each, and a damaged memory only costs hashing."""

import os
from pathlib import Path

import pytest

from tuneloom.artifacts import digests
from tuneloom.artifacts.digests import cached_digest
from tuneloom.artifacts.manifest import file_digest
from tuneloom.errors import MissingFile


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that were hashed, in order."""
    names: list[str] = []
    monkeypatch.setattr(digests, "file_digest", lambda path: names.append(path.name) or file_digest(path))
    return names


def another_process() -> None:
    digests._memories.clear()


def test_a_file_is_hashed_once_until_its_size_or_time_changes(tmp_path: Path, hashed: list[str]) -> None:
    file, memory = tmp_path / "a", tmp_path / "home" / "digests.jsonl"
    file.write_text("one")
    first = cached_digest(file, memory)
    another_process()
    assert cached_digest(file, memory) == first == file_digest(file)
    assert hashed == ["a"]
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert cached_digest(file, memory) == file_digest(file) != first
    another_process()
    assert cached_digest(file, memory) == file_digest(file)
    assert hashed == ["a", "a"]


def test_what_is_remembered_grows_by_a_line_a_file(tmp_path: Path) -> None:
    memory, sizes = tmp_path / "digests.jsonl", []
    for number in range(20):
        (tmp_path / f"file{number:02d}").write_text("x")
        before = memory.stat().st_size if memory.exists() else 0
        cached_digest(tmp_path / f"file{number:02d}", memory)
        sizes.append(memory.stat().st_size - before)
    assert max(sizes) - min(sizes) < 10


def test_a_damaged_line_costs_its_own_file_alone(tmp_path: Path, hashed: list[str]) -> None:
    memory = tmp_path / "digests.jsonl"
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
        cached_digest(tmp_path / name, memory)
    lines = memory.read_text().splitlines(keepends=True)
    memory.write_text(lines[0] + "[1, 2\n\xff\n{}\n" + lines[2])
    another_process()
    hashed.clear()
    assert [cached_digest(tmp_path / name, memory) for name in "abc"] == [file_digest(tmp_path / n) for n in "abc"]
    assert hashed == ["b"]


def test_a_memory_of_old_lines_is_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_SPARE_LINES", 3)
    file, memory = tmp_path / "a", tmp_path / "digests.jsonl"
    for number in range(9):
        file.write_text("x" * number)
        cached_digest(file, memory)
    another_process()
    assert cached_digest(file, memory) == file_digest(file)
    assert len(memory.read_text().splitlines()) == 1


def test_a_memory_that_cannot_be_written_only_costs_hashing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "file").write_text("no folder")
    assert cached_digest(tmp_path / "a", tmp_path / "file" / "digests.jsonl") == file_digest(tmp_path / "a")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no file gone"):
        cached_digest(tmp_path / "gone", tmp_path / "digests.jsonl")
