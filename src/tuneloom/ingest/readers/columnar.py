"""Parquet, Arrow IPC (file or stream) and Feather, a few rows at a time; rows have no bytes of their own.

However large a row group or a batch is, at most _ROWS rows, and about _BYTES of them, are Python values at once. An
Arrow file is mapped, not read; of a Parquet row group the pages are read as they are needed.
"""

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from tuneloom.ingest.readers.arrow_values import plain_values
from tuneloom.ingest.readers.encodings import not_utf8
from tuneloom.ingest.readers.line import Line, ReadFault, UnreadableFile
from tuneloom.ingest.readers.opening import is_plain, open_bytes

_ROWS = 2_000
_BYTES = 32 << 20
_BUFFER = 1 << 20


def read(path: Path) -> Iterator[Line]:
    """A table {"a": ["x", "y"]} -> Line(1, None, {"a": "x"}), Line(2, None, {"a": "y"})."""
    if is_plain(path):
        yield from _lines(path)
        return
    with open_bytes(path) as stream, NamedTemporaryFile(suffix=".table") as unpacked:  # both formats seek
        shutil.copyfileobj(stream, unpacked)
        unpacked.flush()
        yield from _lines(Path(unpacked.name))


def _lines(path: Path) -> Iterator[Line]:
    number = 0
    for batch in _batches(path):
        names = batch.schema.names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UnreadableFile(f"two columns are named {twice!r}")
        step = _step(batch.nbytes, batch.num_rows)
        for start in range(0, batch.num_rows, step):
            for row in _rows(batch.slice(start, step)):
                number += 1
                yield Line(number, None, row)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with path.open("rb") as stream:
        magic = stream.read(6)
    if magic.startswith(b"PAR1"):
        with pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
            step = min((_step(group.total_byte_size, group.num_rows) for group in groups), default=_ROWS)
            yield from file.iter_batches(batch_size=step)
    elif magic.startswith(b"FEA1"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it is theirs who wrote the file
            table = feather.read_table(path, memory_map=True)
        yield from table.to_batches()
    elif magic.startswith(b"ARROW1"):
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
            yield from (file.get_batch(i) for i in range(file.num_record_batches))
    else:
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as batches:
            yield from batches


def _step(size: int, rows: int) -> int:
    """How many rows of this average size are taken at once."""
    return max(1, min(_ROWS, _BYTES * rows // size if size else _ROWS))


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any] | ReadFault]:
    names = batch.schema.names
    try:
        columns = [plain_values(column) for column in batch.columns]
    except UnicodeDecodeError as error:  # a writer that does not check its text
        if batch.num_rows == 1:
            return [not_utf8(error.object)]
        return [row for i in range(batch.num_rows) for row in _rows(batch.slice(i, 1))]
    if not columns:
        return [{} for _ in range(batch.num_rows)]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
