"""Taken down is not breached: the rows are gone, the counts stand, and whoever needs the artifact is told why."""

from pathlib import Path

import pytest

from tests.rows import table_of
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.artifacts.work import Work
from tuneloom.errors import BrokenArtifact, TakenDown

PAIRS = [(f"question {n}", f"answer {n}") for n in range(5)]
INGEST = Spec("ingest", "code")
WHY = "asked by the author"


def keep_all(writer: Writer) -> None:
    writer.add(table_of(PAIRS))
    writer.count(rows_in=5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def parent(store: Store) -> Artifact:
    return store.ensure(INGEST, keep_all)


def test_the_files_go_and_the_counts_stay(store: Store, parent: Artifact) -> None:
    (store.folder / ".work" / f"ingest-{INGEST.key}.resume").mkdir(parents=True)
    store.take_down(parent.reference, ["b", "a"], WHY)
    assert [path.name for path in parent.folder.iterdir()] == ["manifest.json"]
    assert not list((store.folder / ".work").iterdir())
    (tombstone,) = store.manifests()
    assert (tombstone.state, tombstone.counts) == ("taken down", parent.manifest.counts)
    assert tombstone.takedown.ids == ("a", "b")


def test_it_is_not_found_and_no_fault(store: Store, parent: Artifact) -> None:
    store.take_down(parent.reference, ["a"], WHY)
    assert store.find(parent.reference) is None
    assert list(store.all()) == list(store.faults(digests=True)) == []


def test_a_second_takedown_adds_its_ids(store: Store, parent: Artifact) -> None:
    store.take_down(parent.reference, ["a"], WHY)
    store.take_down(parent.reference, ["b"], WHY)
    assert next(store.manifests()).takedown.ids == ("a", "b")


def test_who_depends_on_it_is_told_that_it_was_taken_down(store: Store, parent: Artifact) -> None:
    child = store.ensure(Spec("dedup", "code", parents=(parent.reference,)), keep_all)
    store.take_down(parent.reference, ["a"], WHY)
    with pytest.raises(TakenDown, match=rf"{child.reference} was made from .* taken down \({WHY}\)"):
        list(store.lineage(child))


def test_a_child_is_not_committed_where_its_parent_goes_at_the_last_moment(
    store: Store, parent: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    install, spec = Work.install, Spec("dedup", "code", parents=(parent.reference,))

    def late(work: Work, new: Path, place: Path) -> None:
        store.take_down(parent.reference, ["a"], WHY)
        install(work, new, place)

    monkeypatch.setattr(Work, "install", late)
    with pytest.raises(TakenDown, match=WHY):
        store.ensure(spec, keep_all)
    assert not (store.folder / "dedup" / spec.key).exists()


def test_it_is_not_made_again_behind_the_takedown(store: Store, parent: Artifact) -> None:
    store.take_down(parent.reference, ["a"], WHY)
    with pytest.raises(TakenDown, match="Name the takedown list"):
        store.ensure(INGEST, keep_all)
    store.remove(parent.reference, "the takedown was withdrawn")
    assert not store.ensure(INGEST, keep_all).reused


def test_a_stage_under_way_does_not_bring_the_rows_back(store: Store, parent: Artifact) -> None:
    def build(writer: Writer) -> None:
        keep_all(writer)
        store.take_down(parent.reference, ["a"], WHY)

    spec = Spec("dedup", "code", parents=(parent.reference,))
    with pytest.raises(TakenDown):
        store.ensure(spec, build)
    assert store.find(spec.reference) is None


def test_a_damaged_artifact_can_be_taken_down_too(store: Store, parent: Artifact) -> None:
    parent.files("part-")[0].write_bytes(b"half")
    store.take_down(parent.reference, ["a"], WHY)
    assert next(store.manifests()).state == "taken down"


def test_without_a_readable_manifest_there_is_nothing_to_bury(store: Store, parent: Artifact) -> None:
    (parent.folder / "manifest.json").write_text("{")
    with pytest.raises(BrokenArtifact, match="unreadable manifest"):
        store.take_down(parent.reference, ["a"], WHY)
    store.remove(parent.reference, "taken down")
    with pytest.raises(BrokenArtifact, match="not in the store"):
        store.take_down(parent.reference, ["a"], WHY)
