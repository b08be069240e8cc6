"""Fingerprints: what is the same, and that they are made once a file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.tuneloom.dedup.builders import ingest_rows, numbered, said
from tuneloom.artifacts import Store
from tuneloom.dedup.fingerprints import Fingerprints, fingerprint_members, shingle_sets
from tuneloom.records import Conversation
from tuneloom.text.signatures import Bands, bands_for

BANDS = bands_for(0.8)


def marks_of(store: Store, *rows: Conversation, compare: str = "both", bands: Bands = BANDS) -> Fingerprints:
    """In the order of the rows."""
    members = [ingest_rows(store, [row]) for row in numbered(rows)]
    return fingerprint_members(members, bands, compare, store.memo)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_equal_words_equal_keys(store: Store):
    marks = marks_of(store, said("Hi there", "Yes."), said("hi  there!", "yes"), said("hi there", "no"))
    assert (marks.row[0] == marks.row[1]).all()
    assert not (marks.row[0] == marks.row[2]).any()
    assert marks.prompt[0] == marks.prompt[2]
    assert marks.length.tolist() == [11, 11, 10]


def test_words_do_not_move_between_prompt_and_answer(store: Store):
    marks = marks_of(store, said("a b", "c"), said("a", "b c"))
    assert not (marks.row[0] == marks.row[1]).any()
    assert not (marks.bands[0] == marks.bands[1]).any()


def test_tasks_with_other_definitions_are_other_rows(store: Store):
    rows = [
        said("x", "yes", fields={"definition": text, "input": "x"})
        for text in ("Is it good?", "is it good", "Is it long?")
    ]
    marks = marks_of(store, *rows)
    assert (marks.row[0] == marks.row[1]).all()
    assert not (marks.row[0] == marks.row[2]).any()
    assert marks.scope[0] == marks.scope[1] != marks.scope[2]


@pytest.mark.parametrize(
    ("compare", "same"), [("prompt", [True, False]), ("answer", [False, True]), ("both", [False, False])]
)
def test_bands_are_of_what_is_compared(store: Store, compare: str, same: list[bool]):
    long, other = "one two three four five six seven", "eight nine ten eleven twelve"
    marks = marks_of(store, said(long, long), said(long, other), said(other, long), compare=compare)
    assert [bool((marks.bands[0] == marks.bands[row]).all()) for row in (1, 2)] == same


def test_known_files_are_not_read_again(store: Store):
    rows = ingest_rows(store, numbered([said("a", "b")]), numbered([said("c", "d")], file="b.jsonl"))
    before = fingerprint_members(rows.members, BANDS, "both", store.memo)

    def only_known(name: str, key: str, make: object) -> pa.Table:
        return store.memo(name, key, lambda: pytest.fail("read again"))

    after = fingerprint_members(rows.members, BANDS, "both", only_known)
    assert np.array_equal(before.bands, after.bands)
    assert np.array_equal(before.row, after.row)
    with pytest.raises(pytest.fail.Exception):
        fingerprint_members(rows.members, BANDS, "prompt", only_known)


def test_no_files_and_no_bands(store: Store):
    assert fingerprint_members([ingest_rows(store, [])], BANDS, "both", store.memo).bands.shape == (0, BANDS.count)
    assert marks_of(store, said("a", "b"), bands=Bands(0, 0)).bands.shape == (1, 0)


def test_sets_of_chosen_rows_keep_their_order(store: Store):
    """Positions count over the files, in each in the order of ids."""
    files = [numbered([said(f"{name} {n} x y z w", "") for n in range(5)], file=name) for name in ("a", "b")]
    rows = ingest_rows(store, *files)
    whole, _ = shingle_sets(rows.members, np.arange(10))
    some, _ = shingle_sets(rows.members, np.array([1, 4, 5, 9]))
    for place, position in enumerate([1, 4, 5, 9]):
        expected = whole.values[whole.bounds[position] : whole.bounds[position + 1]]
        assert some.values[some.bounds[place] : some.bounds[place + 1]].tolist() == expected.tolist()
