"""Documents are whole, the last writer wins, and they are told by the time they were written."""

import os
import uuid
from pathlib import Path

import fsspec
import pytest

from tuneloom.artifacts.documents import Documents
from tuneloom.artifacts.remote import RemoteFolder


@pytest.fixture(params=["local", "elsewhere"])
def documents(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Documents:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "cache"))
    remote = RemoteFolder(f"memory://store-{uuid.uuid4().hex}") if request.param == "elsewhere" else None
    return Documents(tmp_path / "store", remote)


def test_there_may_be_none(documents: Documents) -> None:
    assert documents.read("runs/a.json") is None
    assert list(documents.newest("runs")) == []


def test_the_last_writer_wins_and_the_last_written_comes_first(documents: Documents) -> None:
    for path, text in [("runs/a.json", "1"), ("runs/b.json", "茶"), ("runs/a.json", "2")]:
        documents.write(path, text)
    assert documents.read("runs/a.json") == "2"
    assert list(documents.newest("runs")) == ["2", "茶"]


def test_a_write_that_was_cut_is_no_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = Documents(tmp_path, None)
    documents.write("runs/a.json", "old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        documents.write("runs/a.json", "new")
    assert list(documents.newest("runs")) == [documents.read("runs/a.json")] == ["old"]


def test_nothing_of_a_document_elsewhere_stays_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path))
    url = f"memory://store-{uuid.uuid4().hex}"
    Documents(tmp_path, RemoteFolder(url)).write("runs/a.json", "x")
    assert not list(tmp_path.rglob("*.json"))
    assert fsspec.open(f"{url}/runs/a.json", "rt").open().read() == "x"
