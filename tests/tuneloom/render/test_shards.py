"""Shards: what was written comes back, mapped and not copied; damage is seen."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.build import mixture, rendered, talk
from tests.tuneloom.render.templates import family
from tuneloom.artifacts.keys import Spec
from tuneloom.artifacts.store import Store
from tuneloom.errors import BrokenArtifact
from tuneloom.models.token_row import TokenRow, TokenRows
from tuneloom.render import shards
from tuneloom.render.shards import SHARDS, ShardWriter, read_packs, read_rows, token_columns, write_packs
from tuneloom.render.tokenizer import tokenizer_digest

ORIGIN = {"source": "s", "file": "f", "row": 1, "part": 0}


def written(store, rows, packs=(), metadata=None):
    def build(writer):
        writer.count(rows_in=len(rows))
        out = ShardWriter(writer, metadata or {"tokenizer": "t"})
        for side, row in rows:
            out.add(pa.array([side]), columns(row))
        out.close()
        write_packs(writer, packs)

    return Store(store).ensure(Spec("render", "code", inputs={"n": len(rows)}), build)


def columns(one: TokenRow) -> pa.Table:
    said = {"id": pa.array([one.id]), "origin": pa.array([ORIGIN], shards.ORIGIN), "repeat": pa.array([1], pa.int32())}
    said |= {"template": pa.array([None], pa.string()), "exemplars": pa.array([[]], pa.list_(pa.string()))}
    said |= token_columns(TokenRows.of([one]))
    return pa.table([said[name] for name in SHARDS.names], schema=SHARDS)


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


def test_tokens_lie_inside_the_mapped_file_and_are_not_copied(tmp_path):
    artifact = written(tmp_path, [("train", row(f"{i:04d}", i, 2, 3)) for i in range(2000)])
    path = str(artifact.folder / "shards/train-00000.arrow")
    found = read_rows(artifact, "train")
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.rstrip().endswith(path)]
    spans = [[int(edge, 16) for edge in line[0].split("-")] for line in maps]
    for place in (0, 1023, 1024, 1999):
        ids = found[place].ids
        assert not ids.flags.writeable
        start = ids.__array_interface__["data"][0]
        assert any(low <= start and start + ids.nbytes <= high for low, high in spans)


def test_a_shard_opens_with_datasets_alone_and_is_not_copied(tmp_path):
    import datasets

    artifact = written(tmp_path, [("train", row("a", 1, 2, 3)), ("train", row("b", 4, 5))])
    table = pa.ipc.open_file(pa.memory_map(str(artifact.path("shards/train-00000.arrow")))).read_all()
    rows = datasets.Dataset(datasets.table.InMemoryTable(table))
    assert rows[1]["ids"] == [4, 5]
    assert rows[0]["learnt"] == [{"start": 0, "end": 1}, {"start": 2, "end": 3}]
    before = table["ids"].chunk(0).values.buffers()[1].address
    assert rows.data.column("ids").chunk(0).values.buffers()[1].address == before


@given(masks=st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=12), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_any_mask_is_stored_as_runs_and_comes_back(tmp_path_factory, masks):
    rows = [
        ("train", TokenRow(f"{i:03d}", np.arange(len(bits), dtype=np.int32), np.array(bits, np.uint8)))
        for i, bits in enumerate(masks)
    ]
    found = read_rows(written(tmp_path_factory.mktemp("store"), rows), "train")
    assert [r.loss_mask.tolist() for r in found] == masks
    assert all(r.loss_mask.dtype == np.uint8 for r in found)


def test_a_mask_takes_a_few_bytes_a_turn(tmp_path):
    long = TokenRow("a", np.arange(4000, dtype=np.int32), (np.arange(4000) > 2000).astype(np.uint8))
    artifact = written(tmp_path, [("train", long)])
    assert (artifact.folder / "shards/train-00000.arrow").stat().st_size < 4 * 4000 + 4000


def test_a_missing_shard_is_named(tmp_path):
    artifact = written(tmp_path, [("train", row("a", 1, 2, 3))])
    (artifact.folder / "shards/train-00000.arrow").unlink()
    with pytest.raises(BrokenArtifact, match=r"train-00000\.arrow"):
        read_rows(artifact, "train")


def test_rows_of_another_tokenizer_are_refused_with_both_digests(tmp_path, tiny_model):
    rows = read_rows(rendered(tmp_path, mixture(tmp_path, [("train", talk("Hi", "Yo"))]), tiny_model), "train")
    rows.check_made_with(tokenizer_digest(tiny_model))
    with pytest.raises(BrokenArtifact, match="made with tokenizer") as caught:
        rows.check_made_with(family("llama 3").digest)
    assert "Render again" in caught.value.remedy


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
