"""A file in pieces holds the rows of the whole file, whatever the pieces."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.ingest.readers import pieces as module
from tuneloom.ingest.readers.line import Line, ReadFault
from tuneloom.ingest.readers.pieces import Block, Range, pieces
from tuneloom.ingest.readers.reading import read

_LINES = st.lists(st.sampled_from([b'{"a": 1}', b"", b"  ", b'{"a": "\xe4\xbd\xa0\r"}', b'{"a":', b"[1]", b"\xff"]))


@given(_LINES, st.sampled_from([b"\n", b"\r\n"]), st.integers(1, 40), st.booleans())
def test_ranges_give_the_rows_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ending: bytes, size: int, ended: bool
) -> None:
    path = tmp_path_factory.mktemp("pieces") / "a.jsonl"
    path.write_bytes(ending.join([b'{"a": 0}', *lines]) + (ending if ended else b""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "RANGE", size)
        found = list(pieces(path))
        assert all(isinstance(piece, Range) for piece in found)
        assert [line for piece in found for line in piece.lines()] == list(read(path))


def test_a_limit_or_a_packed_file_is_read_in_blocks(tmp_path: Path) -> None:
    rows = b"".join(json.dumps({"a": n}).encode() + b"\n" for n in range(5_000))
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_bytes(rows)
    packed.write_bytes(gzip.compress(rows))
    assert [len(list(piece.lines())) for piece in pieces(plain, limit=2_500)] == [2_000, 500]
    found = list(pieces(packed))
    assert [type(piece) for piece in found] == [Block] * 3
    assert [line.value["a"] for piece in found for line in piece.lines()] == [*range(5_000)]


@pytest.mark.parametrize("kind", ["json", "jsonl.gz", "parquet"])
def test_blocks_of_long_rows_are_as_many_bytes_as_ranges(tmp_path: Path, kind: str) -> None:
    rows = [{"a": [{"b": f"{n}" * 50_000}]} for n in range(100, 140)]  # 150 kB each
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        lines = "\n".join(map(json.dumps, rows)).encode()
        path.write_bytes(json.dumps(rows).encode() if kind == "json" else gzip.compress(lines))
    blocks = [list(piece.lines()) for piece in pieces(path)]
    assert [line.value for block in blocks for line in block] == rows
    assert [len(block) for block in blocks] == [28, 12]


def test_a_file_that_cannot_be_read_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"no data at all")
    ((row,),) = [tuple(piece.lines()) for piece in pieces(path)]
    assert row.number == 0
    assert isinstance(row, Line)
    assert isinstance(row.value, ReadFault)


def test_a_file_whose_compression_is_damaged_from_its_beginning_is_one_row(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"a": 1}\n' * 1_000)
    (tmp_path / "f.jsonl.gz").write_bytes(packed[:12] + b"\xff" * 28 + packed[40:])
    ((line,),) = [list(piece.lines()) for piece in pieces(tmp_path / "f.jsonl.gz")]
    assert (line.number, line.value.reason) == (0, "unreadable file")
    assert line.value.evidence.startswith("error: Error -3 while decompressing data")
