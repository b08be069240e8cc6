"""What is remembered of pairs saves reading and never changes a byte."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tuneloom.dedup.builders import ingest_rows, numbered, run, said
from tuneloom.artifacts import Artifact, Store
from tuneloom.config import Dedup, Near
from tuneloom.dedup.pairs import MEMO, PairMemo
from tuneloom.dedup.pieces import pieces_of
from tuneloom.dedup.stage import deduplicate
from tuneloom.records import Conversation
from tuneloom.released import NOTHING, ReleasedIndex

WORDS = [f"word{n}" for n in range(44)]
CHAIN = [said(" ".join(WORDS[start : start + 30]), "yes" + " so" * (start % 3)) for start in range(14)]
"""Each resembles the next few, and not those further away: who survives decides what is compared."""
NEAR = Near(threshold=0.7)


def deduplicated(store: Store, files: list[list[Conversation]], released: ReleasedIndex = NOTHING) -> Artifact:
    rows = ingest_rows(store, *(numbered(file, file=f"f{n}.jsonl") for n, file in enumerate(files)))
    return run(
        store,
        "dedup",
        rows,
        lambda writer: deduplicate(writer, rows, Dedup(near=NEAR), {}, store, released=released),
        {"released": released.ids.to_pylist()},
    )


def digests(artifact: Artifact) -> list[str]:
    return [file.digest for file in artifact.manifest.files]


FILES = st.lists(st.lists(st.sampled_from(CHAIN), min_size=1, max_size=5), min_size=1, max_size=4)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, FILES, st.data())
def test_a_refresh_equals_a_full_run_given_the_released_index(
    tmp_path_factory: pytest.TempPathFactory, known: list, new: list, data: st.DataObject
):
    store = Store(tmp_path_factory.mktemp("store"))
    ids = sorted(set(deduplicated(store, known).table(["id"])["id"].to_pylist()))
    ids = sorted(data.draw(st.sets(st.sampled_from(ids))))
    released = ReleasedIndex(pa.array(ids, pa.string()), np.zeros(len(ids), np.uint8), np.zeros(len(ids), np.uint64))
    files = data.draw(st.permutations([*known, *new]))
    refreshed = deduplicated(store, files, released)
    alone = deduplicated(Store(tmp_path_factory.mktemp("alone")), files, released)
    assert digests(refreshed) == digests(alone)
    assert refreshed.stats == alone.stats


def test_a_new_file_of_other_rows_has_no_known_text_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store, other = Store(tmp_path / "store"), [said("quite another question", "no")]
    deduplicated(store, [CHAIN[:7], CHAIN[7:]])
    read = "tuneloom.dedup.pieces.sets_of"
    monkeypatch.setattr(read, lambda table: pytest.fail("read again"))
    assert deduplicated(store, [CHAIN[:7], CHAIN[7:], other]).manifest.counts.rejected > 0
    with pytest.raises(pytest.fail.Exception):
        deduplicated(store, [CHAIN[:7], CHAIN[7:], [CHAIN[3], said(WORDS[0] + " " + " ".join(WORDS[:29]), "yes")]])


def test_names_follow_the_file_wherever_it_stands_and_are_distinct(tmp_path: Path):
    store = Store(tmp_path)
    rows = ingest_rows(store, numbered(CHAIN[:5]), numbered(CHAIN[5:], file="b.jsonl"))
    pieces = pieces_of(store, rows)
    names = PairMemo.of(store, pieces, NEAR).names(np.arange(len(CHAIN)))
    assert len(np.unique(names)) == len(CHAIN)
    (second,) = pieces_of(store, rows.members[1])
    alone = PairMemo.of(store, [second], NEAR).names(np.arange(second.rows))
    (start,) = (piece.start for piece in pieces if piece.member == second.member)
    assert names[start : start + second.rows].tolist() == alone.tolist()


def test_what_other_settings_compared_is_not_known(tmp_path: Path):
    store = Store(tmp_path)
    deduplicated(store, [CHAIN])
    pieces = pieces_of(store, ingest_rows(store, numbered(CHAIN, file="f0.jsonl")))
    assert len(PairMemo.of(store, pieces, NEAR).known()) > 0
    for other in (Near(threshold=0.8), Near(threshold=0.7, compare="prompt")):
        assert len(PairMemo.of(store, pieces, other).known()) == 0


def test_a_run_that_compares_nothing_new_adds_nothing(tmp_path: Path):
    store = Store(tmp_path)
    for files in ([CHAIN], [CHAIN, [said("other", "words")]], [CHAIN, [said("more", "words")]]):
        deduplicated(store, files)
    assert len(list((store.folder / "memo" / MEMO).iterdir())) == 1
