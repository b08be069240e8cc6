"""Data sets of the hub: from the local hub cache, and from a hub on loopback."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuneloom.config import Source
from tuneloom.errors import ConfigError
from tuneloom.ingest import hub
from tuneloom.ingest.discover import discover

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_FILES = {
    "README.md": b"# Data",
    ".gitattributes": b"*.parquet filter=lfs",
    "data/train.jsonl": b'{"prompt": "1+1?", "completion": "2"}\n',
    "dataset_infos.json": b"{}",
    "cover.png": b"\x89PNG",
    "test.csv": b"q,a\n1+1?,2\n",
}


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds `owner/name`, with the hub off."""
    from huggingface_hub import constants

    kept = tmp_path / "hub" / "datasets--owner--name"
    for name, content in _FILES.items():
        (kept / "snapshots" / _COMMIT / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / "snapshots" / _COMMIT / name).write_bytes(content)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(_COMMIT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub._snapshot.cache_clear()
    return kept


@pytest.mark.parametrize("path", ["hub:owner/name", "hub:owner/name@main", f"hub:owner/name@{_COMMIT}"])
def test_a_cached_data_set_is_its_data_files_with_the_hub_off(cached: Path, path: str) -> None:
    files = discover(Source(name="s", path=path), Path("/elsewhere"))
    assert [file.relative for file in files] == ["data/train.jsonl", "test.csv"]
    assert files[0].path.read_bytes() == _FILES["data/train.jsonl"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("hub:owner/other", r"'owner/other' is not in the local hub cache, and the hub is off \(HF_HUB_OFFLINE=1\)"),
        ("hub:owner/name@v9", r"'owner/name' at v9 is not in the local hub cache"),
        ("hub:owner/na me", r"no name of the hub.*hub:owner/name@revision"),
    ],
)
def test_what_is_not_cached_is_told_with_the_remedy(cached: Path, path: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        discover(Source(name="s", path=path), Path("/elsewhere"))
    assert f"sources: s: path: {path}" in str(caught.value)


def test_which_paths_name_the_hub() -> None:
    assert hub.is_on_hub("hub:owner/name")
    assert not hub.is_on_hub("owner/name")
    assert not hub.is_on_hub("s3://hub/name")


class _Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub's API as a snapshot asks for."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path, _, _ = self.path.partition("?")
        if "/gated" in path:
            return self._send(403, b"{}", {"X-Error-Code": "GatedRepo"}, with_body)
        if "/owner/name" not in path:
            return self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"}, with_body)
        if "v9" in path:
            return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, with_body)
        if "/tree/" in path:
            tree = [{"type": "file", "path": name, "size": len(_FILES[name]), "oid": name} for name in _FILES]
            return self._send(200, json.dumps(tree).encode(), {}, with_body)
        if path.startswith("/api/"):
            siblings = [{"rfilename": name} for name in _FILES]
            info = {"id": "owner/name", "sha": _COMMIT, "siblings": siblings, "tags": [], "downloads": 0}
            return self._send(200, json.dumps(info).encode(), {}, with_body)
        name = path.partition(f"/resolve/{_COMMIT}/")[2]
        self.server.asked.append(name)  # type: ignore[attr-defined]
        return self._send(200, _FILES[name], {"X-Repo-Commit": _COMMIT, "ETag": f'"{len(name):040x}"'}, with_body)

    def _send(self, status: int, body: bytes, headers: dict[str, str], with_body: bool) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def there() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


_ASK = """
import sys
from pathlib import Path
from tuneloom.config import Source
from tuneloom.errors import TuneloomError
from tuneloom.ingest.discover import discover
for path in sys.argv[1:]:
    try:
        print([(file.relative, file.path.read_text()) for file in discover(Source(name="s", path=path), Path("/"))])
    except TuneloomError as error:
        print(type(error).__name__, error)
"""


def test_a_hub_gives_the_data_files_and_says_what_it_does_not_give(
    there: http.server.ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own: the hub's library reads its address when it is imported."""
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{there.server_port}")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    paths = ["hub:owner/name", "hub:owner/name@v9", "hub:owner/gated", "hub:owner/other"]
    asked = subprocess.run(
        [sys.executable, "-c", _ASK, *paths], capture_output=True, text=True, timeout=120, check=True
    )
    given, revision, gated, other = asked.stdout.splitlines()
    assert given == str([(name, _FILES[name].decode()) for name in ("data/train.jsonl", "test.csv")])
    assert revision.startswith("MissingFile the data set 'owner/name' has no revision 'v9' (sources: s: path: hub:")
    assert gated.startswith("NotPermitted the data set 'owner/gated' asks for a licence to be accepted")
    assert other.startswith("MissingFile the hub has no data set 'owner/other' that you may see")
    assert "cover.png" not in there.asked  # type: ignore[attr-defined]
