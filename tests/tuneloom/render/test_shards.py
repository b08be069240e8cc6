"""Shards: what was written comes back, mapped and not copied; damage is seen."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.artifacts.keys import Spec
from tuneloom.artifacts.store import Store
from tuneloom.errors import BrokenArtifact
from tuneloom.models.token_row import TokenRow
from tuneloom.render import shards
from tuneloom.render.shards import ShardWriter, read_packs, read_rows, write_packs

ORIGIN = {"source": "s", "file": "f", "row": 1, "part": 0}


def written(store, rows, packs=(), metadata=None):
    def build(writer):
        writer.count(rows_in=len(rows))
        out = ShardWriter(writer, metadata or {"tokenizer": "t"})
        for side, row in rows:
            out.add(side, row, ORIGIN, 1)
        out.close()
        write_packs(writer, packs)

    return Store(store).ensure(Spec("render", "code", inputs={"n": len(rows)}), build)


def row(name: str, *ids: int) -> TokenRow:
    return TokenRow(name, np.array(ids, np.int32), np.array([i % 2 for i in ids], np.uint8))


@given(lengths=st.lists(st.integers(1, 20), max_size=30))
@settings(max_examples=15, deadline=None)
def test_rows_come_back_as_they_were(tmp_path_factory, lengths):
    rows = [("train", row(f"{i:03d}", *range(i, i + n))) for i, n in enumerate(lengths)]
    found = read_rows(written(tmp_path_factory.mktemp("store"), rows), "train")
    assert [(r.id, r.ids.tolist(), r.loss_mask.tolist()) for r in found] == [
        (r.id, r.ids.tolist(), r.loss_mask.tolist()) for _, r in rows
    ]
    assert found.lengths.tolist() == lengths


def test_rows_are_cut_into_batches_and_shards_by_count_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "BATCH_ROWS", 4)
    monkeypatch.setattr(shards, "SHARD_TOKENS", 20)
    rows = [("train", row(f"{i:03d}", i, i + 1, i + 2)) for i in range(25)]
    artifact = written(tmp_path, rows)
    assert len(artifact.files("shards/train-")) == 4  # 8 rows of 3 tokens are the first whole batches beyond 20
    found = read_rows(artifact, "train")
    assert [r.id for r in found[3:9]] == ["003", "004", "005", "006", "007", "008"]
    assert found[-1].id == "024"
    with pytest.raises(IndexError):
        found[25]


def test_reading_maps_and_does_not_copy(tmp_path):
    found = read_rows(written(tmp_path, [("train", row("a", 1, 2, 3)), ("train", row("b", 4, 5))]), "train")
    assert not found[1].ids.flags.owndata
    assert not found[1].ids.flags.writeable


def test_a_shard_opens_with_pyarrow_alone_and_says_what_made_it(tmp_path):
    artifact = written(tmp_path, [("test", row("a", 1, 2))], metadata={"tokenizer": "abc", "template": "def"})
    table = pa.ipc.open_file(artifact.path("shards/test-00000.arrow")).read_all()
    assert table.schema.metadata == {b"tokenizer": b"abc", b"template": b"def"}
    assert table.to_pylist() == [
        {
            "id": "a",
            "origin": ORIGIN,
            "ids": [1, 2],
            "learnt": [{"start": 0, "end": 1}],
            "repeat": 1,
            "template": None,
            "exemplars": [],
        }
    ]


def test_a_side_without_rows_is_empty(tmp_path):
    found = read_rows(written(tmp_path, [("train", row("a", 1))]), "validation")
    assert len(found) == 0
    assert found.lengths.dtype == np.int32
    assert list(found) == []


def test_packs_come_back_in_their_order(tmp_path):
    artifact = written(tmp_path, [("train", row("a", 1)), ("train", row("b", 1))], packs=[[1], [0, 1]])
    assert read_packs(artifact) == [[1], [0, 1]]
    assert pq.read_schema(artifact.path("packs.parquet")).field("rows").type == pa.list_(pa.int32())


def test_a_flipped_byte_is_seen_before_a_row_is_read(tmp_path):
    artifact = written(tmp_path, [("train", row("a", 1, 2, 3))])
    path = artifact.folder / "shards/train-00000.arrow"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BrokenArtifact, match=r"train-00000\.arrow"):
        read_rows(artifact, "train")


def test_a_rendered_side_is_sorted_by_id(tmp_path, tiny_model):
    rows = mixture(tmp_path, [("train", talk(f"question {i}", f"answer {i}")) for i in range(40)])
    ids = [r.id for r in read_rows(rendered(tmp_path, rows, tiny_model), "train")]
    assert ids == sorted(ids)
    assert len(ids) == 40
