"""Parquet and Arrow files."""

import tracemalloc
import warnings
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import zstandard

from tuneloom.ingest.readers import ReadFault, UnreadableFile, columnar, read

_TABLE = pa.table(
    {
        "q": ["a", None],
        "messages": [[{"role": "user", "content": "Hi"}], []],
        "day": [date(2026, 1, 2), None],
        "score": [float("nan"), 0.5],
    }
)
_ROWS = [
    {"q": "a", "messages": [{"role": "user", "content": "Hi"}], "day": "2026-01-02", "score": None},
    {"q": None, "messages": [], "day": None, "score": 0.5},
]


def _write(path: Path, kind: str) -> None:
    if kind == "parquet":
        pq.write_table(_TABLE, path)
    elif kind == "feather":
        feather.write_feather(_TABLE, path)
    elif kind == "feather 1":  # which knows neither lists nor dates; the reader is the subject, not the types
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            feather.write_feather(_TABLE.select(["q", "score"]), path, version=1)
    else:
        opened = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}[kind]
        with opened(path, _TABLE.schema) as writer:
            writer.write_table(_TABLE)


@pytest.mark.parametrize("kind", ["parquet", "feather", "file", "stream"])
def test_every_kind_gives_the_same_rows_whatever_its_name(tmp_path: Path, kind: str) -> None:
    _write(tmp_path / "f.json", kind)
    assert [(line.number, line.raw, line.value) for line in read(tmp_path / "f.json")] == [
        (1, None, _ROWS[0]),
        (2, None, _ROWS[1]),
    ]


def test_a_compressed_table_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "f.parquet", "parquet")
    (tmp_path / "f.parquet.zst").write_bytes(zstandard.compress((tmp_path / "f.parquet").read_bytes()))
    assert [line.value for line in read(tmp_path / "f.parquet.zst")] == _ROWS


def test_a_table_damaged_inside_is_unreadable(tmp_path: Path) -> None:
    _write(tmp_path / "f.parquet", "parquet")
    content = bytearray((tmp_path / "f.parquet").read_bytes())
    content[4:40] = b"\xff" * 36
    (tmp_path / "f.parquet").write_bytes(content)
    with pytest.raises(UnreadableFile):
        list(read(tmp_path / "f.parquet"))


def test_a_cut_parquet_file_is_unreadable(tmp_path: Path) -> None:
    _write(tmp_path / "f.parquet", "parquet")
    (tmp_path / "f.parquet").write_bytes((tmp_path / "f.parquet").read_bytes()[:-20])
    with pytest.raises(UnreadableFile, match="ArrowInvalid"):
        list(read(tmp_path / "f.parquet"))


def test_feather_of_the_first_version_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "f", "feather 1")
    assert [line.value for line in read(tmp_path / "f")] == [
        {name: row[name] for name in ("q", "score")} for row in _ROWS
    ]


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_a_large_group_of_rows_is_taken_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    table = pa.table({"q": [f"{i} " + "x" * 20_000 for i in range(2_000)]})
    if kind == "parquet":
        pq.write_table(table, tmp_path / "f", row_group_size=2_000, use_dictionary=False)
    else:
        opened = {"file": pa.ipc.new_file, "stream": pa.ipc.new_stream}[kind]
        with opened(tmp_path / "f", table.schema) as writer:
            writer.write_table(table)
    monkeypatch.setattr(columnar, "_BYTES", 1 << 20)
    tracemalloc.start()
    try:
        assert sum(len(line.value["q"]) > 20_000 for line in read(tmp_path / "f")) == 2_000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_text_that_is_no_utf8_costs_only_its_row(tmp_path: Path) -> None:
    offsets, data = pa.array([0, 1, 3, 4], pa.int32()), b"a\xc8\xcbb"
    text = pa.StringArray.from_buffers(3, offsets.buffers()[1], pa.py_buffer(data))
    table = pa.table({"q": text})
    with pa.ipc.new_file(tmp_path / "f", table.schema) as writer:
        writer.write_table(table)
    first, bad, last = (line.value for line in read(tmp_path / "f"))
    assert (first, last) == ({"q": "a"}, {"q": "b"})
    assert isinstance(bad, ReadFault)
    assert "byte 0xc8 at 0 is not UTF-8" in bad.evidence


def test_two_columns_of_one_name_are_told_for_one_would_vanish(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["q", "q"])
    with pa.ipc.new_file(tmp_path / "f", table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(UnreadableFile, match="two columns are named 'q'"):
        list(read(tmp_path / "f"))
