"""The store's promises: whole or not at all, once, conserved, found damaged, the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import table_of
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.errors import BrokenArtifact, NotPermitted
from tuneloom.records import Origin, Reject

PAIRS = [(f"question {n}", f"answer {n}") for n in range(40)]


def keep_all(writer: Writer) -> None:
    writer.add(table_of(PAIRS))
    writer.count(rows_in=len(PAIRS))


def spec(**inputs: object) -> Spec:
    return Spec("dedup", "code", inputs=inputs)


def test_an_artifact_is_made_once_and_found_again(tmp_path: Path) -> None:
    store, built = Store(tmp_path / "store"), []
    first = store.ensure(spec(), lambda writer: (built.append(1), keep_all(writer)))
    second = Store(tmp_path / "store").ensure(spec(), lambda writer: built.append(2))
    assert built == [1]
    assert (first.reused, second.reused) == (False, True)
    assert second.table().equals(first.table())


@pytest.mark.parametrize("lost", [1, -1])
def test_a_stage_that_loses_or_invents_a_row_stores_nothing(tmp_path: Path, lost: int) -> None:
    def build(writer: Writer) -> None:
        writer.add(table_of(PAIRS))
        writer.count(rows_in=len(PAIRS) + lost)

    store = Store(tmp_path)
    with pytest.raises(BrokenArtifact, match="lost or invented rows"):
        store.ensure(spec(), build)
    assert store.find(spec().reference) is None
    assert not list((tmp_path / ".work").iterdir())


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(12)), cut=st.integers(1, 11))
def test_the_bytes_do_not_depend_on_order_or_partitions(order: list[int], cut: int) -> None:
    pairs = [PAIRS[n] for n in range(12)]
    whole = table_of(pairs)

    def build(parts: list[pa.Table]) -> Artifact:
        folder = Path("/tmp") / f"tuneloom-{uuid.uuid4().hex}"
        try:
            store = Store(folder)

            def fill(writer: Writer) -> None:
                for part in parts:
                    writer.add(part)
                writer.reject([Reject(Origin("made", "rows.jsonl", 99), "odd")])
                writer.count(rows_in=13)

            return store.ensure(spec(), fill)
        finally:
            shutil.rmtree(folder)

    mixed = whole.take(order)
    one, other = build([whole]), build([mixed.slice(0, cut), mixed.slice(cut)])
    digests = [{f.path: f.digest for f in a.manifest.files} for a in (one, other)]
    assert digests[0] == digests[1]


def test_large_artifacts_are_cut_by_id_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuneloom.artifacts.writer.PART_BYTES", 1_000)
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    parts = list(artifact.tables(["id"]))
    assert len(parts) > 3
    ids = [i for part in parts for i in part["id"].to_pylist()]
    assert ids == sorted(ids)
    assert len(ids) == len(PAIRS)


@pytest.mark.parametrize("damage", ["truncate", "delete", "alter", "manifest"])
def test_a_damaged_artifact_is_made_again(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    artifact = store.ensure(spec(), keep_all)
    part = artifact.files("part-")[0]
    if damage == "truncate":
        part.write_bytes(part.read_bytes()[:-10])
    elif damage == "delete":
        part.unlink()
    elif damage == "alter":
        content = bytearray(part.read_bytes())
        content[100] ^= 1
        part.write_bytes(content)
    else:
        (artifact.folder / "manifest.json").write_text("{")
    said: list[str] = []
    again = Store(tmp_path, said.append).ensure(spec(), keep_all)
    assert not again.reused
    assert "it is made again" in said[0]
    assert len(again.table()) == len(PAIRS)


def test_a_flipped_byte_with_its_old_time_is_found_on_first_read(tmp_path: Path) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    part = artifact.files("part-")[0]
    before = part.stat()
    content = bytearray(part.read_bytes())
    content[100] ^= 1
    part.write_bytes(content)
    os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
    later = Store(tmp_path)
    found = later.find(spec().reference)
    assert found is not None
    with pytest.raises(BrokenArtifact, match="damaged"):
        found.table()
    assert later.find(spec().reference) is None


def test_kill_9_in_a_stage_leaves_nothing_that_counts_and_the_next_run_makes_it(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, signal
        from tests.tuneloom.artifacts.test_store import PAIRS, spec, table_of
        from tuneloom.artifacts import Store
        def build(writer):
            writer.add(table_of(PAIRS))
            os.kill(os.getpid(), signal.SIGKILL)
        Store({str(tmp_path)!r}).ensure(spec(), build)
        """
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=False)
    assert killed.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    assert store.find(spec().reference) is None
    assert list((tmp_path / ".work").iterdir())
    assert len(store.ensure(spec(), keep_all).table()) == len(PAIRS)
    assert not list((tmp_path / ".work").iterdir())


def test_two_processes_compute_a_key_once(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, time
        from tests.tuneloom.artifacts.test_store import keep_all, spec
        from tuneloom.artifacts import Store
        def build(writer):
            open({str(tmp_path)!r} + f"/body-{{os.getpid()}}", "w").close()
            time.sleep(0.5)
            keep_all(writer)
        Store({str(tmp_path / "store")!r}).ensure(spec(), build)
        """
    )
    racers = [subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[3]) for _ in range(2)]
    assert [racer.wait(60) for racer in racers] == [0, 0]
    assert len(list(tmp_path.glob("body-*"))) == 1


def test_a_union_adds_up_its_members_and_goes_with_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    members = [store.ensure(spec(file=n), keep_all) for n in range(2)]
    whole = Spec("ingest", "code", parents=tuple(m.reference for m in members))

    def unite(writer: Writer) -> None:
        writer.union((m.reference, m.manifest.counts, dict(m.manifest.reasons)) for m in members)

    united = store.ensure(whole, unite)
    assert united.manifest.counts.rows_out == 2 * len(PAIRS)
    assert len(united.table()) == 2 * len(PAIRS)
    shutil.rmtree(members[0].folder)
    assert store.find(whole.reference) is None


def test_the_lineage_names_a_missing_parent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    parent = store.ensure(spec(), keep_all)
    child = store.ensure(Spec("split", "code", parents=(parent.reference,)), keep_all)
    assert [a.reference.stage for a in store.lineage(child)] == ["split", "dedup"]
    shutil.rmtree(parent.folder)
    with pytest.raises(BrokenArtifact, match="not in the store"):
        list(store.lineage(child))


def test_a_store_elsewhere_is_published_manifest_last_and_read_through_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path))
    url = f"memory://store-{uuid.uuid4().hex}"
    store = Store(url)
    made = store.ensure(spec(), keep_all)
    shutil.rmtree(made.folder)
    found = Store(url).ensure(spec(), keep_all)
    assert found.reused
    assert len(found.table()) == len(PAIRS)


def test_of_two_machines_the_first_manifest_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"memory://store-{uuid.uuid4().hex}"
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "a"))
    first = Store(url)
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "b"))
    second = Store(url)

    def slow(writer: Writer) -> None:
        first.ensure(spec(), keep_all)
        writer.stats["machine"] = "second"
        keep_all(writer)

    assert second.ensure(spec(), slow).stats == {}


def test_a_manifest_cannot_name_a_file_outside_its_folder(tmp_path: Path) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    path = artifact.folder / "manifest.json"
    tree = json.loads(path.read_text())
    tree["files"][0]["path"] = "../../secret"
    path.write_text(json.dumps(tree))
    assert Store(tmp_path).find(spec().reference) is None


def test_a_memo_is_made_once_and_again_when_damaged(tmp_path: Path) -> None:
    store, made = Store(tmp_path), []

    def make() -> pa.Table:
        made.append(1)
        return pa.table({"x": [1, 2]})

    for _ in range(2):
        assert store.memo("signatures-v1", "k", make)["x"].to_pylist() == [1, 2]
    assert made == [1]
    (tmp_path / "memo/signatures-v1/k.parquet").write_bytes(b"PAR1")
    assert store.memo("signatures-v1", "k", make)["x"].to_pylist() == [1, 2]
    assert made == [1, 1]


def test_no_permission_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tuneloom.artifacts.store.tempfile.TemporaryFile", refuse)
    with pytest.raises(NotPermitted, match="no permission to write"):
        Store(tmp_path).ensure(spec(), keep_all)


def test_a_full_disk_leaves_no_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tuneloom.artifacts.writer.pq.write_table", full)
    store = Store(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        store.ensure(spec(), keep_all)
    assert store.find(spec().reference) is None
