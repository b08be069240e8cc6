"""Reading the released index; how it grows and shrinks is tested in release/test_rows.py."""

import numpy as np
import pytest

from tests.tuneloom.release.test_rows import ids, listed, used
from tuneloom.artifacts import Reference, Store
from tuneloom.errors import BrokenArtifact
from tuneloom.release.rows import add_release
from tuneloom.released import NOTHING, ReleasedIndex, read_index, standing_index


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def test_before_the_first_release_nothing_stands(store: Store) -> None:
    assert standing_index(store, "p") is None
    assert read_index(store, None) is NOTHING
    assert NOTHING.sides_of(ids("a", "b")).tolist() == [-1, -1]
    assert NOTHING.sides_of_anchors(np.array([1, 2], np.uint64)).tolist() == [-1, -1]


def test_of_several_sides_of_an_anchor_the_most_protected_counts() -> None:
    index = ReleasedIndex(ids("a", "b", "c"), np.array([0, 2, 1], np.uint8), np.array([5, 5, 9], np.uint64))
    assert index.sides_of_anchors(np.array([9, 4, 5, 6, 10], np.uint64)).tolist() == [1, -1, 2, -1, -1]


def test_an_index_that_is_gone_or_a_damaged_note_is_an_error_and_never_an_empty_index(store: Store) -> None:
    add_release(store, "p", *used(store, {"a": "train"}), None)
    store.remove(Reference("released", standing_index(store, "p").index), "test")
    with pytest.raises(BrokenArtifact, match=r"released rows cannot be read.*start afresh under another `name`"):
        listed(store, "a")
    next((store.folder / "released").glob("*.json")).write_text("{")
    with pytest.raises(BrokenArtifact, match=r"note .* is damaged"):
        standing_index(store, "p")
