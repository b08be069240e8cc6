"""The check before training finds what any stage before it may have done wrong."""

from pathlib import Path

import pyarrow as pa
import pytest

from tests.tuneloom.dedup.builders import ingest, numbered, said
from tuneloom.artifacts import Artifact, Store
from tuneloom.errors import BrokenArtifact
from tuneloom.records import Conversation, to_table
from tuneloom.split.check import check_sides

PASSAGE = "The quick brown fox jumps over the lazy dog by the river."


def placed(folder: Path, *rows: tuple[str, Conversation], edited: int = -1) -> Artifact:
    table = to_table(numbered([row for _, row in rows]))
    table = table.append_column("side", pa.array([side for side, _ in rows], pa.string()))
    hashes = ["edited" if n == edited else one for n, one in enumerate(table["content_hash"].to_pylist())]
    return ingest(Store(folder), [table.set_column(1, "content_hash", pa.array(hashes))]).members[0]


def test_sides_that_share_nothing_pass(tmp_path: Path):
    check_sides(placed(tmp_path, ("train", said("q", "a")), ("test", said("p", "a")), ("suite", said("q", "a"))))
    check_sides(placed(tmp_path, ("test", said("q", "a")), ("validation", said("Q?", "a"))))


@pytest.mark.parametrize("side", ["validation", "test"])
def test_a_prompt_on_two_sides_stops(tmp_path: Path, side: str):
    rows = placed(tmp_path, ("train", said("x", "a")), ("train", said("Q?", "a")), (side, said("q", "b")))
    with pytest.raises(BrokenArtifact, match=r"web:a.jsonl:2 and web:a.jsonl:3.*Training on them"):
        check_sides(rows)


def test_a_passage_on_two_sides_stops(tmp_path: Path):
    rows = [
        (side, said("p", "a", fields={"instruction": f"{side}.", "context": PASSAGE})) for side in ("train", "test")
    ]
    with pytest.raises(BrokenArtifact, match="1 prompts or passages"):
        check_sides(placed(tmp_path, *rows))


def test_rows_that_masking_made_alike_do_not_stop_a_run(tmp_path: Path):
    check_sides(placed(tmp_path, ("train", said("call <PHONE>", "a")), ("test", said("call <PHONE>", "b")), edited=0))


def test_no_rows(tmp_path: Path):
    check_sides(placed(tmp_path))
