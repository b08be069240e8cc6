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
from tests.tuneloom.artifacts.test_locks import holder
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.errors import BrokenArtifact, DiskFull, LockTimeout, NotPermitted, OtherVersion
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
    monkeypatch.setattr("tuneloom.artifacts.shelves.PART_BYTES", 1_000)
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    parts = list(artifact.tables(["id"]))
    assert len(parts) > 3
    ids = [i for part in parts for i in part["id"].to_pylist()]
    assert ids == sorted(ids)
    assert len(ids) == len(PAIRS)


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, with its content and time."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def edit_manifest(artifact: Artifact, **change: object) -> None:
    path = artifact.folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def spoil(artifact: Artifact, damage: str) -> None:
    part = artifact.folder / "part-00000.parquet"
    if damage == "truncate":
        part.write_bytes(part.read_bytes()[:-10])
    elif damage == "delete":
        part.unlink()
    elif damage == "alter":
        content = bytearray(part.read_bytes())
        content[100] ^= 1
        part.write_bytes(content)
    elif damage == "manifest":
        (artifact.folder / "manifest.json").write_text("{")
    elif damage == "other schema":
        edit_manifest(artifact, schema_version=99)
    elif damage == "unknown field":
        edit_manifest(artifact, invented=1)


DAMAGES = ["truncate", "delete", "alter", "manifest"]


@pytest.mark.parametrize("damage", [*DAMAGES, "other schema", "unknown field"])
def test_looking_says_the_fault_and_changes_nothing(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    artifact = store.ensure(spec(), keep_all)
    child = store.ensure(Spec("split", "code", parents=(artifact.reference,)), keep_all)
    spoil(artifact, damage)
    before, said = tree(tmp_path), list[str]()
    later = Store(tmp_path, said.append)
    assert later.find(artifact.reference) is None
    assert f"artifact {artifact.reference} cannot be used" in said[0]
    assert [a.reference for a in later.all()] == [child.reference]
    list(later.faults())
    with pytest.raises(BrokenArtifact, match=f"made from {artifact.reference}"):
        list(later.lineage(child))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damaged_artifact_is_listed_as_a_fault(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    artifact = store.ensure(spec(), keep_all)
    store.ensure(spec(n=2), keep_all)
    assert list(Store(tmp_path).faults(digests=True)) == []
    spoil(artifact, damage)
    (fault,) = Store(tmp_path).faults()
    assert str(artifact.reference) in fault


def test_a_flipped_byte_that_only_digests_show_is_a_fault_and_the_next_run_makes_it_again(tmp_path: Path) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    flip_with_old_time(artifact)
    assert list(Store(tmp_path).faults()) == []
    (fault,) = Store(tmp_path).faults(digests=True)
    assert "part-00000.parquet: its digest is not the manifest's" in fault
    assert not Store(tmp_path).ensure(spec(), keep_all).reused


@pytest.mark.parametrize("damage", ["other schema", "unknown field"])
def test_what_another_version_wrote_is_told_and_never_deleted(tmp_path: Path, damage: str) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    spoil(artifact, damage)
    before, said = tree(artifact.folder), list[str]()
    with pytest.raises(OtherVersion, match="Use the Tuneloom that wrote it"):
        Store(tmp_path).ensure(spec(), keep_all)
    assert list(Store(tmp_path, said.append).faults(digests=True)) == []
    assert "left alone" in said[0]
    assert tree(artifact.folder) == before


def test_what_was_rebuilt_while_a_run_waited_is_not_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    spoil(artifact, "truncate")
    store, locked = Store(tmp_path), Store._locked

    def late(self: Store, *arguments: object) -> object:
        monkeypatch.setattr(Store, "_locked", locked)
        Store(tmp_path).ensure(spec(), keep_all)
        return locked(self, *arguments)

    monkeypatch.setattr(Store, "_locked", late)
    assert store.ensure(spec(), lambda writer: pytest.fail("made twice")).reused


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_artifact_is_made_again(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    artifact = store.ensure(spec(), keep_all)
    spoil(artifact, damage)
    said: list[str] = []
    again = Store(tmp_path, said.append).ensure(spec(), keep_all)
    assert not again.reused
    assert "it is made again" in said[0]
    assert len(again.table()) == len(PAIRS)


def flip_with_old_time(artifact: Artifact) -> None:
    part = artifact.folder / "part-00000.parquet"
    before = part.stat()
    content = bytearray(part.read_bytes())
    content[100] ^= 1
    part.write_bytes(content)
    os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_flipped_byte_with_its_old_time_is_found_on_first_read(tmp_path: Path) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    flip_with_old_time(artifact)
    later = Store(tmp_path)
    found = later.find(spec().reference)
    assert found is not None
    with pytest.raises(BrokenArtifact, match="damaged"):
        found.table()
    assert later.find(spec().reference) is None
    assert len(later.ensure(spec(), keep_all).table()) == len(PAIRS)


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
    (fault,) = store.faults()
    assert f"{members[0].reference} is gone" in fault


def test_the_lineage_names_a_missing_parent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    parent = store.ensure(spec(), keep_all)
    child = store.ensure(Spec("split", "code", parents=(parent.reference,)), keep_all)
    assert [a.reference.stage for a in store.lineage(child)] == ["split", "dedup"]
    shutil.rmtree(parent.folder)
    with pytest.raises(BrokenArtifact, match="not in the store"):
        list(store.lineage(child))


def test_who_waits_for_another_run_is_told_for_whom_and_gives_up_when_it_said(tmp_path: Path) -> None:
    other, said = holder(tmp_path / ".locks" / f"dedup-{spec().key}.lock"), list[str]()
    try:
        with pytest.raises(LockTimeout, match="has held stage dedup"):
            Store(tmp_path, said.append).ensure(spec(), keep_all, wait=0.2)
    finally:
        other.kill()
        other.wait()
    assert f"process {other.pid}" in said[0]


def test_a_file_url_is_a_local_store(tmp_path: Path) -> None:
    made = Store(f"file://{tmp_path}/store").ensure(spec(), keep_all)
    assert made.folder.parent.parent == tmp_path / "store"
    assert Store(tmp_path / "store").ensure(spec(), keep_all).reused


def test_a_commit_under_way_is_no_artifact(tmp_path: Path) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    shutil.copytree(artifact.folder, tmp_path / ".work" / "dedup-k-abcdefgh")
    store = Store(tmp_path)
    assert [a.reference for a in store.all()] == [m.reference for m in store.manifests()] == [artifact.reference]


def test_removing_takes_the_artifact_and_what_a_killed_try_left(tmp_path: Path) -> None:
    said: list[str] = []
    store = Store(tmp_path, said.append)
    artifact = store.ensure(spec(), keep_all)
    (tmp_path / ".work" / f"dedup-{artifact.reference.key}.resume").mkdir(parents=True)
    store.remove(artifact.reference, "no model refers to it")
    assert store.find(artifact.reference) is None
    assert "is removed: no model refers to it" in said[0]
    assert not artifact.folder.exists()
    assert not list((tmp_path / ".work").iterdir())


def test_removing_waits_for_the_key_s_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuneloom.artifacts.store.WAIT_SECONDS", 0.1)
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    other = holder(tmp_path / ".locks" / f"dedup-{spec().key}.lock")
    try:
        with pytest.raises(LockTimeout):
            Store(tmp_path).remove(artifact.reference, "gc")
        assert Store(tmp_path).find(artifact.reference) is not None
    finally:
        other.kill()
        other.wait()


def test_a_manifest_cannot_name_a_file_outside_its_folder(tmp_path: Path) -> None:
    artifact = Store(tmp_path).ensure(spec(), keep_all)
    path = artifact.folder / "manifest.json"
    tree = json.loads(path.read_text())
    tree["files"][0]["path"] = "../../secret"
    path.write_text(json.dumps(tree))
    assert Store(tmp_path).find(spec().reference) is None


def test_no_permission_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tuneloom.artifacts.work.tempfile.TemporaryFile", refuse)
    with pytest.raises(NotPermitted, match="no permission to write"):
        Store(tmp_path).ensure(spec(), keep_all)


def test_a_full_disk_leaves_no_artifact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tuneloom.artifacts.shelves.pq.write_table", full)
    store = Store(tmp_path)
    with pytest.raises(DiskFull, match="No space left"):
        store.ensure(spec(), keep_all)
    assert store.find(spec().reference) is None
