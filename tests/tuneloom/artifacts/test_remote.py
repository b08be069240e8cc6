"""A store elsewhere: one of two machines wins whole, what is there is the truth, a bad copy is only a bad copy."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from tests.rows import table_of
from tuneloom.artifacts import Artifact, Spec, Store, Writer, user_cache
from tuneloom.errors import TakenDown
from tuneloom.runs import RunRecord, latest_run, read_run, write_run

PAIRS = [(f"question {n}", f"answer {n}") for n in range(5)]
SPEC = Spec("dedup", "code")


def keep_all(writer: Writer) -> None:
    writer.add(table_of(PAIRS))
    writer.count(rows_in=5)


class Machines:
    """Stores at one URL, each with a copy of its own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.url, self._folder, self._patch = f"memory://store-{uuid.uuid4().hex}", folder, patch

    def store(self, name: str = "a", say=lambda message: None) -> Store:
        self._patch.setenv("TUNELOOM_CACHE", str(self._folder / name))
        return Store(self.url, say)

    def files(self) -> dict[str, bytes]:
        fsystem, root = fsspec.core.url_to_fs(self.url)
        return {path.removeprefix(f"{root}/"): fsystem.cat_file(path) for path in fsystem.find(root)}

    def put(self, path: str, content: bytes) -> None:
        fsystem, root = fsspec.core.url_to_fs(self.url)
        fsystem.pipe_file(f"{root}/{path}", content)


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    made = Machines(tmp_path, monkeypatch)
    yield made
    fsystem, root = fsspec.core.url_to_fs(made.url)
    if fsystem.exists(root):
        fsystem.rm(root, recursive=True)


def fail(_: Writer) -> None:
    pytest.fail("made again")


def test_an_artifact_is_read_through_a_copy(machines: Machines) -> None:
    made = machines.store().ensure(SPEC, keep_all)
    shutil.rmtree(made.folder)
    for name in "ab":
        found = machines.store(name).ensure(SPEC, fail)
        assert found.reused
        assert len(found.table()) == 5


@pytest.mark.parametrize("damage", ["delete", "alter", "manifest", "all"])
def test_a_damaged_copy_is_fetched_again_and_what_is_there_stays(machines: Machines, damage: str) -> None:
    made = machines.store().ensure(SPEC, keep_all)
    before, part = machines.files(), made.folder / "part-00000.parquet"
    if damage == "delete":
        part.unlink()
    elif damage == "alter":
        content = bytearray(part.read_bytes())
        content[100] ^= 1
        part.write_bytes(content)
    elif damage == "manifest":
        (made.folder / "manifest.json").write_text("{")
    else:
        shutil.rmtree(made.folder)
    found = machines.store().find(SPEC.reference)
    assert found is not None
    assert len(found.table()) == 5
    assert machines.files() == before


def test_of_two_machines_one_wins_whole(machines: Machines) -> None:
    first, second = machines.store("a"), machines.store("b")

    def other(machine: str):
        def build(writer: Writer) -> None:
            keep_all(writer)
            writer.stats["machine"] = machine * 10

        return build

    publish = second._remote.publish

    def late(*arguments: object) -> object:
        """The first machine publishes between the second's look and its manifest."""
        read, calls = second._remote.read, []

        def read_nothing_once(path: str) -> bytes | None:
            calls.append(path)
            if len(calls) == 1:
                first.ensure(SPEC, other("first"))
                return None
            return read(path)

        second._remote.read = read_nothing_once
        return publish(*arguments)

    second._remote.publish = late
    lost = second.ensure(SPEC, other("second"))
    assert lost.stats == {"machine": "first" * 10}
    for name in "abc":
        found = machines.store(name).find(SPEC.reference)
        assert found.stats == {"machine": "first" * 10}
        assert machines.store(name).verify(found) == []
    uploads = {path.split("/")[2] for path in machines.files() if not path.endswith("manifest.json")}
    assert len(uploads) == 1


def test_a_killed_upload_is_no_artifact_and_is_cleared_by_the_next(machines: Machines) -> None:
    machines.put(f"{SPEC.reference}/0123/part-00000.parquet", b"half")
    store = machines.store()
    assert store.find(SPEC.reference) is None
    assert not store.ensure(SPEC, keep_all).reused
    assert not [path for path in machines.files() if "/0123/" in path]


def test_what_is_damaged_there_is_made_again_by_ensure_alone(machines: Machines) -> None:
    made = machines.store().ensure(SPEC, keep_all)
    upload = made.manifest.upload
    machines.put(f"{SPEC.reference}/{upload}/part-00000.parquet", b"bad")
    before, said = machines.files(), list[str]()
    assert machines.store("b", said.append).find(SPEC.reference) is None
    assert "part-00000.parquet is missing or altered" in said[0]
    assert machines.files() == before
    assert len(machines.store("b").ensure(SPEC, keep_all).table()) == 5
    assert len(machines.store("c").ensure(SPEC, fail).table()) == 5


@pytest.mark.parametrize("how", ["remove", "take down"])
def test_what_is_gone_there_is_gone_from_every_copy(machines: Machines, how: str) -> None:
    made = machines.store("a").ensure(SPEC, keep_all)
    copy = machines.store("b").find(SPEC.reference)
    if how == "remove":
        machines.store("a").remove(SPEC.reference, "gc")
    else:
        machines.store("a").take_down(SPEC.reference, ["id"], "asked")
    assert not [path for path in machines.files() if path.endswith(".parquet")]
    assert machines.store("b").find(SPEC.reference) is None
    for artifact in (made, copy):
        assert not (artifact.folder / "part-00000.parquet").exists()
    if how == "take down":
        with pytest.raises(TakenDown):
            machines.store("b").ensure(SPEC, fail)
        assert [manifest.state for manifest in machines.store("c").manifests()] == ["taken down"]


def test_memos_and_their_damage(machines: Machines) -> None:
    import pyarrow as pa

    def ask(name: str) -> tuple[list[int], bool]:
        made: list[int] = []

        def make(*_: object) -> pa.Table:
            made.append(1)
            return pa.table({"x": [7]})

        store = machines.store(name)
        tables = store.memo("v1", "k", make), store.memo_rows("v2", ["h"], make)
        return [table["x"][0].as_py() for table in tables], bool(made)

    assert ask("a") == ([7, 7], True)
    assert ask("b") == ([7, 7], False)
    for path in [path for path in machines.files() if path.startswith("memo/")]:
        machines.put(path, b"bad")
    assert ask("b") == ([7, 7], False)
    assert ask("c") == ([7, 7], True)
    assert ask("d") == ([7, 7], False)


def test_another_worker_sees_the_run_record(machines: Machines) -> None:
    write_run(machines.store("a"), RunRecord("id", "name", mlflow_run_id="m"))
    write_run(machines.store("a"), RunRecord("later", "name"))
    other = machines.store("b")
    assert read_run(other, "id") == RunRecord("id", "name", mlflow_run_id="m")
    assert latest_run(other, "name") == RunRecord("later", "name")
    write_run(other, RunRecord("id", "name", champion_resolved=True))
    assert read_run(machines.store("a"), "id").champion_resolved
    assert read_run(other, "none") is None


def test_the_rest_of_the_lineage_is_fetched(machines: Machines) -> None:
    store = machines.store("a")
    parent: Artifact = store.ensure(SPEC, keep_all)
    child = store.ensure(Spec("split", "code", parents=(parent.reference,)), keep_all)
    other = machines.store("b")
    assert [a.reference.stage for a in other.lineage(other.find(child.reference))] == ["split", "dedup"]


def test_the_users_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TUNELOOM_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert user_cache() == tmp_path / ".cache" / "tuneloom"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert user_cache() == Path("/x/tuneloom")
    monkeypatch.setenv("TUNELOOM_CACHE", "~/mine")
    assert user_cache() == tmp_path / "mine"
