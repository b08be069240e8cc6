"""Released rows: what is listed once keeps its side; the list grows by releases and shrinks by takedowns alone."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rows import table_of
from tuneloom.artifacts import Artifact, Reference, Spec, Store, Writer
from tuneloom.errors import TakenDown
from tuneloom.release.rows import add_release, forget_rows
from tuneloom.released import ANCHORS, read_index, standing_index


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def used(store: Store, sides: dict[str, str], anchor: int = 7) -> tuple[Artifact, Artifact]:
    """A split and a mixture of rows by their prompt."""
    table = table_of([(prompt, "a") for prompt in sides])

    def split(writer: Writer) -> None:
        anchors = {"id": table["id"], "anchor": pa.array([anchor] * len(table), pa.uint64())}
        pq.write_table(pa.table(anchors), writer.file(ANCHORS))

    def mixture(writer: Writer) -> None:
        writer.count(rows_in=len(table))
        writer.add(table.append_column("side", pa.array(list(sides.values()), pa.string())))

    inputs = {"sides": sides, "anchor": anchor}
    return store.ensure(Spec("split", "c", inputs=inputs), split), store.ensure(
        Spec("mixture", "c", inputs=inputs), mixture
    )


def ids(*prompts: str) -> pa.Array:
    return table_of([(prompt, "a") for prompt in prompts])["id"].combine_chunks()


def listed(store: Store, *prompts: str) -> list[int]:
    return read_index(store, standing_index(store, "p").index).sides_of(ids(*prompts)).tolist()


def test_a_release_lists_what_trains_chooses_or_judges_and_no_suite_row(store: Store) -> None:
    add_release(store, "p", *used(store, {"a": "train", "b": "validation", "c": "test", "d": "suite"}), None)
    assert listed(store, "a", "b", "c", "d", "e") == [0, 1, 2, -1, -1]
    assert standing_index(store, "another") is None


def test_what_is_listed_keeps_its_side_and_stays_when_it_is_gone_from_the_data(store: Store) -> None:
    add_release(store, "p", *used(store, {"a": "train", "b": "test"}), None)
    first = standing_index(store, "p")
    add_release(store, "p", *used(store, {"a": "test", "c": "train"}), first.index)
    assert listed(store, "a", "b", "c") == [0, 2, 0]
    assert standing_index(store, "p").before == first.index


def test_a_release_made_again_changes_nothing(store: Store) -> None:
    rows = used(store, {"a": "train"})
    assert add_release(store, "p", *rows, None) == add_release(store, "p", *rows, None)
    assert len([one for one in store.manifests() if one.reference.stage == "released"]) == 1


def test_t19_a_takedown_takes_a_row_out_of_every_index_and_buries_those_that_held_it(store: Store) -> None:
    for name in ("p", "q"):
        add_release(store, name, *used(store, {"a": "train", name: "test"}), None)
    held = standing_index(store, "p").index
    gone = ids("a").to_pylist()
    assert forget_rows(store, gone, "asked") == 2
    assert listed(store, "a", "p") == [-1, 2]
    assert forget_rows(store, gone, "asked") == 0
    tombstone = next(one for one in store.manifests() if one.key == held)
    assert (tombstone.takedown.ids, tombstone.files) == (tuple(gone), ())
    with pytest.raises(TakenDown):
        store.ensure(Spec("dedup", "c", consulted=(Reference("released", held),)), lambda writer: None)
