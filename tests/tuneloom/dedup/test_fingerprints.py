"""Fingerprints: what is the same."""

from pathlib import Path

import numpy as np
import pytest

from tests.tuneloom.dedup.builders import ingest_rows, marked, numbered, said
from tuneloom.artifacts import Store
from tuneloom.dedup.fingerprints import Fingerprints
from tuneloom.records import Conversation
from tuneloom.text.signatures import bands_for

BANDS = bands_for(0.8)


def marks_of(store: Store, *rows: Conversation, compare: str = "both") -> tuple[Fingerprints, np.ndarray]:
    """In the order of the rows, with their bands (n, count)."""
    rows_in = ingest_rows(store, *([row] for row in numbered(rows)))
    marks, _, files, _ = marked(store, rows_in, BANDS, compare)
    return marks, np.stack([np.fromfile(file, np.uint64) for file in files], axis=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_equal_words_equal_keys(store: Store):
    marks, _ = marks_of(store, said("Hi there", "Yes."), said("hi  there!", "yes"), said("hi there", "no"))
    assert (marks.row[0] == marks.row[1]).all()
    assert not (marks.row[0] == marks.row[2]).any()
    assert marks.prompt[0] == marks.prompt[2]
    assert marks.length.tolist() == [11, 11, 10]


def test_words_do_not_move_between_prompt_and_answer(store: Store):
    marks, bands = marks_of(store, said("a b", "c"), said("a", "b c"))
    assert not (marks.row[0] == marks.row[1]).any()
    assert not (bands[0] == bands[1]).any()


def test_tasks_with_other_definitions_are_other_rows(store: Store):
    rows = [
        said("x", "yes", fields={"definition": text, "input": "x"})
        for text in ("Is it good?", "is it good", "Is it long?")
    ]
    marks, _ = marks_of(store, *rows)
    assert (marks.row[0] == marks.row[1]).all()
    assert not (marks.row[0] == marks.row[2]).any()
    assert marks.scope[0] == marks.scope[1] != marks.scope[2]


@pytest.mark.parametrize(
    ("compare", "same"), [("prompt", [True, False]), ("answer", [False, True]), ("both", [False, False])]
)
def test_bands_are_of_what_is_compared(store: Store, compare: str, same: list[bool]):
    long, other = "one two three four five six seven", "eight nine ten eleven twelve"
    _, bands = marks_of(store, said(long, long), said(long, other), said(other, long), compare=compare)
    assert [bool((bands[0] == bands[row]).all()) for row in (1, 2)] == same
