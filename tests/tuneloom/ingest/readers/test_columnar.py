"""Parquet and Arrow files."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import zstandard

from tuneloom.ingest.readers import UnreadableFile, read

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
