"""No row is lost between two stages."""

from pathlib import Path

import pytest

from tests.rows import table_of
from tuneloom.artifacts import Artifact, Counts, Reference, Spec, Store, Writer
from tuneloom.errors import BrokenArtifact

PAIRS = [(f"question {n}", f"answer {n}") for n in range(5)]


def keep(number: int, source: str = "made"):
    def fill(writer: Writer) -> None:
        writer.add(table_of(PAIRS[:number], source))
        writer.count(rows_in=number)

    return fill


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def parent(store: Store) -> Artifact:
    return store.ensure(Spec("dedup", "code"), keep(5))


@pytest.mark.parametrize("read", [3, 4])
def test_a_stage_that_reads_a_part_of_its_parent_stores_nothing(store: Store, parent: Artifact, read: int) -> None:
    spec = Spec("split", "code", parents=(parent.reference,))
    with pytest.raises(BrokenArtifact) as told:
        store.ensure(spec, keep(read))
    assert f"{spec.reference} took in {read} rows, but {parent.reference} handed on 5" in str(told.value)
    assert store.find(spec.reference) is None


def test_two_parents_hand_on_the_sum_of_their_rows(store: Store, parent: Artifact) -> None:
    other = store.ensure(Spec("synthesize", "code"), keep(2))
    parents = (parent.reference, other.reference)

    def fill(number: int):
        def both(writer: Writer) -> None:
            writer.add(table_of(PAIRS))
            writer.count(rows_in=number, made=5 - number)

        return both

    with pytest.raises(BrokenArtifact, match="handed on 7"):
        store.ensure(Spec("split", "code", parents=parents), fill(5))
    assert store.ensure(Spec("split", "code", parents=parents), keep_seven).manifest.counts.rows_in == 7


def keep_seven(writer: Writer) -> None:
    writer.add(table_of(PAIRS))
    writer.add(table_of(PAIRS[:2], "more"))
    writer.count(rows_in=7)


def test_consulted_artifacts_and_those_without_rows_hand_on_none(store: Store, parent: Artifact) -> None:
    scores = store.ensure(Spec("scores", "code"), keep(3))
    model = store.ensure(Spec("train", "code"), lambda writer: writer.stats.update(steps=1))
    spec = Spec("split", "code", parents=(parent.reference, model.reference), consulted=(scores.reference,))
    made = store.ensure(spec, keep(5))
    assert {a.reference.stage for a in store.lineage(made)} == {"split", "dedup", "train", "scores"}


def test_a_union_takes_in_what_its_members_took_in(store: Store, parent: Artifact) -> None:
    def unite(more: int):
        counts = Counts(5 + more, 0, 5 + more, 0, 0)
        return lambda writer: writer.union([(parent.reference, counts, {})])

    spec = Spec("ingest", "code", parents=(parent.reference,))
    for wrong in (-1, 1):
        with pytest.raises(BrokenArtifact, match="handed on 5"):
            store.ensure(spec, unite(wrong))
    assert store.ensure(spec, unite(0)).manifest.counts.rows_in == 5


def test_a_parent_that_is_gone_breaks_the_chain_at_once(store: Store) -> None:
    with pytest.raises(BrokenArtifact, match="made from dedup/gone, which is not in the store"):
        store.ensure(Spec("split", "code", parents=(Reference("dedup", "gone"),)), keep(5))


def test_negative_counts_are_refused(store: Store) -> None:
    def fill(writer: Writer) -> None:
        writer.add(table_of(PAIRS[:3]))
        writer.count(rows_in=5, made=-2)

    with pytest.raises(BrokenArtifact, match="made is -2"):
        store.ensure(Spec("dedup", "code"), fill)


def test_counts_are_all_known_or_all_unknown() -> None:
    with pytest.raises(BrokenArtifact, match="rows_in is None"):
        Counts(rows_out=3).check("dedup")
    Counts().check("train")
