"""Pieces: cut where parts are, read and remembered once, found again by position."""

from pathlib import Path

import numpy as np
import pytest

from tests.tuneloom.dedup.builders import ingest_rows, marked, numbered, said
from tuneloom.artifacts import Store
from tuneloom.dedup.pieces import chosen_rows, pieces_of
from tuneloom.dedup.stage import shingle_sets
from tuneloom.errors import BrokenArtifact
from tuneloom.text.signatures import Bands, bands_for
from tuneloom.workers import Threads

BANDS = bands_for(0.8)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_positions_count_over_the_pieces_and_empty_files_make_none(store: Store):
    rows = ingest_rows(store, numbered([said("a", "b")] * 3), [], numbered([said("c", "d")] * 2, file="b.jsonl"))
    found = pieces_of(store, rows)
    assert [(piece.start, piece.rows) for piece in found] in ([(0, 3), (3, 2)], [(0, 2), (2, 3)])
    chosen = chosen_rows(found, np.array([0, 1, 4]))
    assert [(piece.start, rows.tolist()) for piece, rows in chosen] == [
        (found[0].start, [0, 1]),
        (found[1].start, [4 - found[1].start]),
    ]


def test_known_files_are_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch):
    rows = ingest_rows(store, numbered([said("a", "b")]), numbered([said("c", "d")], file="b.jsonl"))
    before, _, files, _ = marked(store, rows, BANDS)
    bands = [file.read_bytes() for file in files]
    monkeypatch.setattr("tuneloom.dedup.pieces.fingerprint", lambda *_: pytest.fail("read again"))
    after, _, files, _ = marked(store, rows, BANDS)
    assert np.array_equal(before.row, after.row)
    assert bands == [file.read_bytes() for file in files]
    with pytest.raises(pytest.fail.Exception):
        marked(store, rows, BANDS, "prompt")


def test_no_files_and_no_bands(store: Store):
    marks, ledger, files, pieces = marked(store, ingest_rows(store, []), BANDS)
    assert (len(marks.prompt), len(ledger), len(files), pieces) == (0, 0, BANDS.count, [])
    assert marked(store, ingest_rows(store, numbered([said("a", "b")])), Bands(0, 0))[2] == []


def test_sets_of_chosen_rows_keep_their_order(store: Store, tmp_path: Path):
    """Positions count over the files, in each in the order of ids."""
    files = [numbered([said(f"{name} {n} x y z w", "") for n in range(5)], file=name) for name in ("a", "b")]
    pieces = pieces_of(store, ingest_rows(store, *files))
    whole, _ = shingle_sets(pieces, np.arange(10), Threads(2), tmp_path / "whole")
    some, _ = shingle_sets(pieces, np.array([1, 4, 5, 9]), Threads(1), tmp_path / "some")
    for place, position in enumerate([1, 4, 5, 9]):
        expected = whole.values[whole.bounds[position] : whole.bounds[position + 1]]
        assert some.values[some.bounds[place] : some.bounds[place + 1]].tolist() == expected.tolist()


def test_t2_what_is_gone_is_an_error_and_no_lost_rows(store: Store):
    rows = ingest_rows(store, numbered([said("a", "b")]))
    pieces = pieces_of(store, rows)
    store.remove(rows.members[0].reference, "a test")
    with pytest.raises(BrokenArtifact, match="is gone"):
        next(pieces[0].tables())
