"""Rows on their way into Parquet parts: in memory while they are few, then on the disk, sorted out as they come.

A part holds a range of ids (rejects have none: of hashes of their origins). How many parts there are, a power of two,
follows from the bytes of all rows, which are known at the end: until then rows lie on 256 shelves, and a part is as
many shelves side by side as it takes. The bytes thus depend on the rows alone, and a row is written and read once.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts.manifest import StoredFile, describe_file
from tuneloom.workers import cores, in_threads

PART_BYTES = 64 << 20
"""Most text bytes of a Parquet part, up to 16 GiB in all; of more, parts are larger."""

_SHELVES = 256
_PARTS_AT_ONCE = 4
"""Each takes a few times `PART_BYTES` of memory while it is sorted and packed."""

_WORTH_PACKING = 32 << 10
"""Text bytes of a column from which it is compressed."""
_UNIQUE = {"id", "content_hash", "origin.row", "messages.list.element.content"}
"""Columns whose values hardly repeat."""

_ORIGIN_ORDER = ("source", "file", "row", "part")


class Shelves:
    """Collects tables of one schema in `folder`, under names that begin with a dot, for `<stem>-00000.parquet`, ..."""

    def __init__(self, folder: Path, stem: str) -> None:
        self._folder, self._stem = folder, stem
        self._schema: pa.Schema | None = None
        self._waiting: list[pa.Table] = []
        self._waiting_bytes = self._text_bytes = 0
        self._used: set[int] = set()

    def append(self, table: pa.Table) -> None:
        """Every call brings the same schema, with columns `origin` and, unless they are rejects, `id`."""
        self._schema = self._schema or table.schema
        if not len(table):
            return
        self._waiting.append(table.cast(self._schema) if table.schema != self._schema else table)
        size = sum(text_bytes(column) for column in table.columns)
        self._waiting_bytes += size
        self._text_bytes += size
        if self._text_bytes > PART_BYTES and self._waiting_bytes > PART_BYTES // 4:
            self._put_away()

    def write_parts(self) -> Iterator[StoredFile]:
        """The parts, written; one empty part where tables came but no rows, none where none came."""
        if self._schema is None:
            return
        if self._text_bytes > PART_BYTES and self._waiting:
            self._put_away()
        count = 1
        while count < _SHELVES and self._text_bytes > count * PART_BYTES:
            count *= 2
        (self._folder / self._stem).parent.mkdir(parents=True, exist_ok=True)
        yield from in_threads(lambda n: self._write(n, count), range(count), min(count, cores(), _PARTS_AT_ONCE))

    def _write(self, number: int, count: int) -> StoredFile:
        width = _SHELVES // count
        shelves = [shelf for shelf in sorted(self._used) if shelf // width == number]
        found = [*self._waiting, *(table for shelf in shelves for table in self._take(shelf))]
        rows = pa.concat_tables(found or [self._schema.empty_table()])  # type: ignore[union-attr]
        path = f"{self._stem}-{number:05d}.parquet"
        _write_table(_in_order(rows), self._folder / path)
        return describe_file(self._folder, path, len(rows))

    def _put_away(self) -> None:
        """From memory onto the shelves."""
        table = pa.concat_tables(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        shelves = _shelf_of(table)
        order = np.argsort(shelves, kind="stable")
        table = table.take(order).combine_chunks()
        numbers, starts = np.unique(shelves[order], return_index=True)
        self._used.update(numbers.tolist())
        for number, start, end in zip(numbers.tolist(), starts, (*starts[1:], len(table)), strict=True):
            with self._shelf(number).open("ab") as file, pa.ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table.slice(start, end - start))

    def _take(self, number: int) -> Iterator[pa.Table]:
        """What lies on a shelf, which is gone then. Read, not mapped: mapped pages stay resident."""
        shelf = self._shelf(number)
        with pa.OSFile(str(shelf)) as file:
            while file.tell() < file.size():
                with pa.ipc.open_stream(file) as stream:
                    yield stream.read_all()
        shelf.unlink()

    def _shelf(self, number: int) -> Path:
        return self._folder / f".{self._stem.replace('/', '-')}.{number}"


def _write_table(table: pa.Table, path: Path) -> None:
    """Parquet. Only columns of much text are compressed, only those of few values get a dictionary: each try costs as
    much as many rows of a small file, and hardly any bytes are saved."""
    much = [column.name for column in table.schema if text_bytes(table[column.name]) >= _WORTH_PACKING]
    leaves = {name: [path for path, kind in _leaves(table.schema.field(name)) if _is_text(kind)] for name in much}
    pq.write_table(
        table, path, row_group_size=16_384,
        compression={path: "zstd" for paths in leaves.values() for path in paths} or "none",
        use_dictionary=[path for field in table.schema for path, _ in _leaves(field) if path not in _UNIQUE],
    )  # fmt: skip


def _leaves(field: pa.Field, above: str = "") -> Iterator[tuple[str, pa.DataType]]:
    """The columns that Parquet makes of one of Arrow: messages -> "messages.list.element.role", ..."""
    name, kind = f"{above}{field.name}", field.type
    if pa.types.is_struct(kind):
        for part in kind:
            yield from _leaves(part, f"{name}.")
    elif pa.types.is_map(kind):
        yield from _leaves(kind.key_field, f"{name}.key_value.")
        yield from _leaves(kind.item_field, f"{name}.key_value.")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(kind.value_field.with_name("element"), f"{name}.list.")
    else:
        yield name, kind


def _is_text(kind: pa.DataType) -> bool:
    return any(of(kind) for of in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _shelf_of(table: pa.Table) -> np.ndarray:
    """The shelf of each row: the first byte of its hex id, and of a reject a byte of its origin's CRC-32, for ids are
    even, and origins in order come in clumps."""
    if "id" in table.column_names:
        first = pc.utf8_slice_codeunits(table["id"].combine_chunks(), 0, 2)
        _, bounds, text = first.buffers()
        digits = np.frombuffer(text, np.uint8)[np.frombuffer(bounds, np.int32)[0] :][: 2 * len(first)].reshape(-1, 2)
        return ((digits - 48 - 39 * (digits > 57)) * np.array([16, 1], np.uint8)).sum(axis=1, dtype=np.uint8)
    origins = table["origin"].to_pylist()
    return np.array([zlib.crc32(repr([*name.values()]).encode()) >> 24 for name in origins], np.uint8)


def _in_order(table: pa.Table) -> pa.Table:
    """By id and origin; rejects by origin and reason."""
    origin = table["origin"].combine_chunks()
    keys = {f"_{name}": pc.struct_field(origin, name) for name in _ORIGIN_ORDER}
    if "id" in table.column_names:
        keys = {"_id": table["id"].combine_chunks(), **keys}
    elif "reason" in table.column_names:
        keys["_reason"] = table["reason"].combine_chunks()
    order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return table.take(order).combine_chunks()


def text_bytes(column: pa.ChunkedArray) -> int:
    """Bytes of all text in a column, however deeply nested; the same whatever the chunking and slicing.

    [[("a", "bb")], [("c", "dddd")]].slice(1) -> 5
    """
    kind = column.type
    if _is_text(kind):
        return pc.sum(pc.binary_length(column)).as_py() or 0
    if pa.types.is_struct(kind):
        return sum(text_bytes(pc.struct_field(column, [i])) for i in range(kind.num_fields))
    if pa.types.is_map(kind):
        return sum(_map_text_bytes(chunk) for chunk in column.chunks)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return text_bytes(pc.list_flatten(column))
    return 0


def _map_text_bytes(chunk: pa.MapArray) -> int:
    """`keys` and `items` are the whole buffer's whatever the slice: the offsets say which entries are this chunk's."""
    chunk = chunk.drop_null()
    if not len(chunk):
        return 0
    start, end = chunk.offsets[0].as_py(), chunk.offsets[-1].as_py()
    return sum(text_bytes(pa.chunked_array([side.slice(start, end - start)])) for side in (chunk.keys, chunk.items))
