"""Sources behind a URL: listed there, copied once a version, read here."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tuneloom.config import Source
from tuneloom.errors import ConfigError, MissingFile, NotPermitted
from tuneloom.ingest.discover import SourceFile, discover


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def bucket() -> Iterator[fsspec.AbstractFileSystem]:
    there = fsspec.filesystem("memory")
    for name in ("b.jsonl", "a.jsonl", "deep/c.json", ".hidden"):
        there.pipe_file(f"/bucket/{name}", name.encode())
    yield there
    there.rm("/bucket", recursive=True)


def found(path: str) -> list[SourceFile]:
    return discover(Source(name="s", path=path), Path("/elsewhere"))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("memory://bucket", ["a.jsonl", "b.jsonl", "deep/c.json"]),
        ("memory://bucket/", ["a.jsonl", "b.jsonl", "deep/c.json"]),
        ("memory://bucket/a.jsonl", ["a.jsonl"]),
        ("memory://bucket/*.jsonl", ["a.jsonl", "b.jsonl"]),
        ("memory://bucket/**/*.json*", ["a.jsonl", "b.jsonl", "deep/c.json"]),
    ],
)
def test_a_file_a_folder_and_a_glob(
    bucket: fsspec.AbstractFileSystem, cache: Path, path: str, names: list[str]
) -> None:
    files = found(path)
    assert [file.relative for file in files] == names
    assert [file.path.read_text() for file in files] == names
    assert all(file.path.is_relative_to(cache) and file.path.name == Path(file.relative).name for file in files)


def test_a_question_mark_in_an_objects_name_tells_it_from_others(bucket: fsspec.AbstractFileSystem) -> None:
    for name in ("q?1.jsonl", "q?2.jsonl"):
        bucket.pipe_file(f"/bucket/{name}", name.encode())
    files = found("memory://bucket/q*")
    assert [(file.relative, file.path.read_text()) for file in files] == [("q?1.jsonl",) * 2, ("q?2.jsonl",) * 2]


def test_a_file_is_copied_once_a_version(bucket: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = []
    get = MemoryFileSystem.get_file
    monkeypatch.setattr(MemoryFileSystem, "get_file", lambda *a, **k: copies.append(a[1]) or get(*a, **k))
    first, again = found("memory://bucket/a.jsonl"), found("memory://bucket/a.jsonl")
    assert (first, len(copies)) == (again, 1)
    bucket.pipe_file("/bucket/a.jsonl", b"A.JSONL")
    (changed,) = found("memory://bucket/a.jsonl")
    assert (changed.path.read_text(), changed.relative, len(copies)) == ("A.JSONL", "a.jsonl", 2)


def test_a_copy_that_was_cut_is_never_used(
    bucket: fsspec.AbstractFileSystem, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: MemoryFileSystem, path: str, here: str) -> None:
        Path(here).write_bytes(b"a.js")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "get_file", cut)
        with pytest.raises(ConfigError, match="it sent 4 of 7 bytes"):
            found("memory://bucket/a.jsonl")
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert found("memory://bucket/a.jsonl")[0].path.read_text() == "a.jsonl"


def test_a_full_disk_goes_up_as_it_is(bucket: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MemoryFileSystem, "get_file", full)
    with pytest.raises(OSError, match="No space left"):
        found("memory://bucket/a.jsonl")


def test_a_saved_data_set_over_there_is_its_shards(bucket: fsspec.AbstractFileSystem) -> None:
    bucket.pipe_file("/bucket/saved/train/state.json", b'{"_data_files": [{"filename": "data-0.arrow"}]}')
    bucket.pipe_file("/bucket/saved/train/data-0.arrow", b"")
    bucket.pipe_file("/bucket/saved/train/cache-1.arrow", b"")
    assert [file.relative for file in found("memory://bucket/saved")] == ["train/data-0.arrow"]
    bucket.rm_file("/bucket/saved/train/data-0.arrow")
    with pytest.raises(MissingFile, match=r"the shard train/data-0\.arrow"):
        found("memory://bucket/saved")


@pytest.mark.parametrize("path", ["memory://bucket/gone.jsonl", "memory://bucket/*.parquet", "memory://no-bucket"])
def test_what_is_not_there_is_missing(bucket: fsspec.AbstractFileSystem, path: str) -> None:
    with pytest.raises(MissingFile, match="matches nothing") as caught:
        found(path)
    assert path in str(caught.value)


def test_a_closed_bucket_a_missing_driver_and_a_misspelt_protocol_are_told(
    bucket: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError("Forbidden")

    def no_driver(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    with pytest.raises(ConfigError, match=r"Protocol not known: memry.*sources: s: path.*Did you mean memory://\?"):
        found("memry://bucket/a.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "info", closed)
        with pytest.raises(NotPermitted, match="no permission to read /bucket"):
            found("memory://bucket/a.jsonl")
    monkeypatch.setattr(fsspec.core, "url_to_fs", no_driver)
    with pytest.raises(ConfigError, match=r"the driver for s3:// is not installed.*Install s3fs"):
        found("s3://bucket/a.jsonl")


class _Web(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/closed"):
            self.send_error(403)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    (tmp_path / "web").mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / "web" / name).write_text(name)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Web, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_files_of_the_web(web: str) -> None:
    for path, names in [
        ("a.jsonl?raw=1", ["a.jsonl"]),
        ("", ["a.jsonl", "b.jsonl"]),
        ("*.jsonl", ["a.jsonl", "b.jsonl"]),
    ]:
        files = found(f"{web}/{path}")
        assert [(file.relative, file.path.read_text()) for file in files] == [(name, name) for name in names]
        assert found(f"{web}/{path}") == files


def test_what_the_web_does_not_give_is_told(web: str) -> None:
    with pytest.raises(MissingFile, match="matches nothing"):
        found(f"{web}/gone.jsonl")
    with pytest.raises(NotPermitted, match="no permission"):
        found(f"{web}/closed.jsonl")
    with pytest.raises(ConfigError, match="cannot be reached"):
        found("http://127.0.0.1:9/a.jsonl")
