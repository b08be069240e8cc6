"""Parquet and Arrow IPC (file or stream), a batch at a time; rows have no bytes of their own."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.ingest.readers.line import Line
from tuneloom.ingest.readers.opening import open_bytes

_BATCH = 2_000


def read(path: Path) -> Iterator[Line]:
    """A table {"a": ["x", "y"]} -> Line(1, None, {"a": "x"}), Line(2, None, {"a": "y"})."""
    with open_bytes(path) as stream:
        number = 0
        for batch in _batches(stream if stream.seekable() else BytesIO(stream.read())):
            for row in _plain(batch):
                number += 1
                yield Line(number, None, row)


def _batches(stream: BinaryIO) -> Iterator[pa.RecordBatch]:
    magic = stream.read(6)
    stream.seek(0)
    if magic.startswith(b"PAR1"):
        yield from pq.ParquetFile(stream).iter_batches(batch_size=_BATCH)
    elif magic.startswith(b"ARROW1"):
        reader = pa.ipc.open_file(stream)
        yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
    else:
        yield from pa.ipc.open_stream(stream)


def _plain(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows of JSON values: dates, decimals and bytes as text, NaN as null."""
    text = json.dumps(batch.to_pylist(), default=str, ensure_ascii=False)
    return json.loads(text, parse_constant=lambda name: None)
