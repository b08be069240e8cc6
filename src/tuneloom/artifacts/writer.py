"""What a stage writes with: kept, held and rejected rows, other files, counts, and folders to work in.

Rows go to a spill file first, so memory stays bounded; at the end they are cut into Parquet parts of a target size, by
id range (rejects: by a hash of their origin), and sorted by id and origin. The bytes therefore depend on the rows
alone, not on how the stage partitioned them.
"""

import math
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts.keys import Reference, Spec
from tuneloom.artifacts.manifest import Counts, Manifest, StoredFile, check_inside, describe_file, make_manifest
from tuneloom.records import Reject, canonical, rejects_table
from tuneloom.workers import cores, in_threads

PART_BYTES = 64 << 20
"""Text bytes a Parquet part aims at."""

_PARTS_AT_ONCE = 4
"""Each takes a few times `PART_BYTES` of memory while it is sorted and packed."""
_MOST_PARTS = 256
"""As many files are open at once; parts grow beyond `PART_BYTES` from 16 GiB of text on."""

_ORIGIN_ORDER = ("source", "file", "row", "part")
_SCRATCH = ".scratch"


class Writer:
    """Collects one artifact in a work folder; the store commits it. Not thread-safe: one writer, one thread.

    def build(writer: Writer) -> None:
        for table in rows.tables():
            writer.count(rows_in=len(table))
            writer.add(table.filter(good))
            writer.hold(table.filter(doubtful))
            writer.reject(reject_rows(table.filter(bad), "too long", details))
    """

    def __init__(self, spec: Spec, folder: Path, resume: Path) -> None:
        self.spec, self.folder = spec, folder
        self.stats: dict[str, Any] = {}
        """Whatever `show` and the report need, as plain values; goes to stats.json."""
        self._resume = resume
        self._rows = _Spill(folder / ".rows.arrow")
        self._held = _Spill(folder / ".held.arrow")
        self._rejects = _Spill(folder / ".rejected.arrow")
        self._reasons: Counter[str] = Counter()
        self._added: Counter[str] = Counter()
        self._files: dict[str, int | None] = {}
        self._members: tuple[Reference, ...] = ()
        self._member_counts = Counts(0, 0, 0, 0, 0)
        self._started = time.monotonic()

    @property
    def resume(self) -> Path:
        """A folder of this key alone that outlives a killed process and goes after the commit: what the next try
        starts from.

        checkpoint = writer.resume / "checkpoint.safetensors"
        step = load(checkpoint) if checkpoint.is_file() else 0
        """
        self._resume.mkdir(parents=True, exist_ok=True)
        return self._resume

    @property
    def scratch(self) -> Path:
        """A folder that never becomes part of the artifact and is gone after this try, whatever its end.

        buckets = [pa.ipc.new_file(writer.scratch / f"band-{n}.arrow", schema) for n in range(bands)]
        """
        place = self.folder / _SCRATCH
        place.mkdir(exist_ok=True)
        return place

    def add(self, table: pa.Table) -> None:
        """Keeps rows; every call brings the same schema, with columns `id` and `origin`."""
        self._rows.append(table)
        self._added["rows_out"] += len(table)

    def hold(self, table: pa.Table) -> None:
        """Holds rows back for a person to decide: counted as held, read by `Artifact.held`; schema as in `add`."""
        self._held.append(table)
        self._added["held"] += len(table)

    def reject(self, rejects: Iterable[Reject]) -> None:
        """Rejects rows, each with its reason."""
        batch = list(rejects)
        if not batch:
            return
        self._reasons.update(reject.reason for reject in batch)
        self._added["rejected"] += len(batch)
        self._rejects.append(rejects_table(self.spec.stage, batch))

    def count(self, *, rows_in: int = 0, made: int = 0, rows_out: int = 0) -> None:
        """Adds to the counts; `rows_out` only for rows that were written by `file` instead of `add`."""
        self._added.update(rows_in=rows_in, made=made, rows_out=rows_out)

    def file(self, path: str, rows: int | None = None) -> Path:
        """The place for a file of the stage's own making (`adapter/weights.safetensors`); write it before the end."""
        check_inside(path, self.spec.stage)
        self._files[path] = rows
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def union(self, members: Iterable[tuple[Reference, Counts, dict[str, int]]]) -> None:
        """Makes this artifact the union of others, none of their rows copied, and of what it adds itself; counts and
        reasons add up."""
        for reference, counts, reasons in members:
            self._members += (reference,)
            self._member_counts += counts
            self._reasons.update(reasons)

    def finish(self) -> Manifest:
        """Writes parts, rejects and stats, checks conservation, and returns the manifest (not yet written)."""
        counts = self._counts()
        counts.check(self.spec.stage)
        files = [
            *_write_parts(self._rows, self.folder, "part"),
            *_write_parts(self._held, self.folder, "held/part"),
            *_write_parts(self._rejects, self.folder, "rejected/part"),
        ]
        shutil.rmtree(self.folder / _SCRATCH, ignore_errors=True)
        self.file("stats.json").write_text(canonical(self.stats), "utf-8")
        files += [describe_file(self.folder, path, rows) for path, rows in sorted(self._files.items())]
        seconds = time.monotonic() - self._started
        return make_manifest(self.spec, counts, self._reasons, tuple(files), self._members, seconds)

    def _counts(self) -> Counts:
        if not self._added and not self._members:
            return Counts()
        own = Counts(*(self._added[name] for name in ("rows_in", "made", "rows_out", "rejected", "held")))
        return own + self._member_counts


class _Spill:
    """An Arrow IPC file that tables are appended to and read back from, some at a time."""

    def __init__(self, path: Path) -> None:
        self.path, self.text_bytes, self.rows = path, 0, 0
        self._schema: pa.Schema | None = None
        self._writer: pa.RecordBatchFileWriter | None = None

    def append(self, table: pa.Table) -> None:
        if self._writer is None:
            self._schema = table.schema
            self._writer = pa.ipc.new_file(self.path, table.schema)
        self._writer.write_table(table.cast(self._schema) if table.schema != self._schema else table)
        self.text_bytes += sum(_text_bytes(column) for column in table.columns)
        self.rows += len(table)

    def close(self) -> bool:
        """Ends the writing; whether anything was appended, be it without a row."""
        if self._writer is not None:
            self._writer.close()
        return self._writer is not None

    def tables(self, rows: int) -> Iterator[pa.Table]:
        """What was appended, in tables of at least `rows` rows but for the last; at least one. Read, not mapped:
        mapped pages stay resident while there is memory."""
        with pa.OSFile(str(self.path)) as file, pa.ipc.open_file(file) as batches:
            some: list[pa.RecordBatch] = []
            for number in range(batches.num_record_batches):
                some.append(batches.get_batch(number))
                if sum(map(len, some)) >= rows:
                    yield pa.Table.from_batches(some, batches.schema)
                    some = []
            if some or not batches.num_record_batches:
                yield pa.Table.from_batches(some, batches.schema)


def _write_parts(spill: _Spill, folder: Path, stem: str) -> Iterator[StoredFile]:
    """`part-00000.parquet`, ... ; one empty part where there are no rows but a schema."""
    if not spill.close():
        return
    count = min(_MOST_PARTS, max(1, math.ceil(spill.text_bytes / PART_BYTES)))
    (folder / stem).parent.mkdir(parents=True, exist_ok=True)
    shelves = _sorted_out(spill, count) if count > 1 else [spill]

    def write(number: int) -> StoredFile:
        (rows,) = shelves[number].tables(max(1, shelves[number].rows))
        shelves[number].path.unlink()
        path = f"{stem}-{number:05d}.parquet"
        pq.write_table(
            _in_order(rows, "id" in rows.column_names), folder / path, compression="zstd", row_group_size=16_384
        )
        return describe_file(folder, path, len(rows))

    yield from in_threads(write, range(count), min(count, cores(), _PARTS_AT_ONCE))


def _sorted_out(spill: _Spill, count: int) -> list[_Spill]:
    """The rows by the part they belong to, each part's in a spill of its own."""
    shelves = [_Spill(spill.path.with_suffix(f".{number}")) for number in range(count)]
    for table in spill.tables(max(1, spill.rows * PART_BYTES // spill.text_bytes)):
        bucket = (_id_bucket if "id" in table.column_names else _origin_bucket)(table, count)
        order = np.argsort(bucket, kind="stable")
        ends = np.searchsorted(bucket[order], np.arange(count), side="right")
        table = table.take(order).combine_chunks()
        for shelf, start, end in zip(shelves, (0, *ends), ends, strict=False):
            shelf.append(table.slice(start, end - start))
    spill.path.unlink()
    for shelf in shelves:
        shelf.close()
    return shelves


def _id_bucket(table: pa.Table, count: int) -> np.ndarray:
    """Part number of each row by the range of its hex id: the first 32 bits, scaled. Ids are hashes: even parts."""
    return _scaled([int(text[:8], 16) for text in table["id"].to_pylist()], count)


def _origin_bucket(table: pa.Table, count: int) -> np.ndarray:
    """Part number of each reject by CRC-32 of its origin; rejects have no id, and origins in order come in clumps."""
    return _scaled([zlib.crc32(repr([*name.values()]).encode()) for name in table["origin"].to_pylist()], count)


def _scaled(heads: Sequence[int], count: int) -> np.ndarray:
    """32-bit numbers -> part numbers below `count`."""
    return (np.array(heads, np.uint64) * np.uint64(count) >> np.uint64(32)).astype(np.int64)


def _in_order(table: pa.Table, by_id: bool) -> pa.Table:
    origin = table["origin"].combine_chunks()
    keys = {f"_{name}": pc.struct_field(origin, name) for name in _ORIGIN_ORDER}
    if by_id:
        keys = {"_id": table["id"].combine_chunks(), **keys}
    if "reason" in table.column_names and not by_id:
        keys["_reason"] = table["reason"].combine_chunks()
    order = pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])
    return table.take(order).combine_chunks()


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Bytes of all text in a column, however deeply nested; the same whatever the chunking and slicing.

    [[("a", "bb")], [("c", "dddd")]].slice(1) -> 5
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
        return pc.sum(pc.binary_length(column)).as_py() or 0
    if pa.types.is_struct(kind):
        return sum(_text_bytes(pc.struct_field(column, [i])) for i in range(kind.num_fields))
    if pa.types.is_map(kind):
        return sum(_map_text_bytes(chunk) for chunk in column.chunks)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _text_bytes(pc.list_flatten(column))
    return 0


def _map_text_bytes(chunk: pa.MapArray) -> int:
    """`keys` and `items` are the whole buffer's whatever the slice: the offsets say which entries are this chunk's."""
    chunk = chunk.drop_null()
    if not len(chunk):
        return 0
    start, end = chunk.offsets[0].as_py(), chunk.offsets[-1].as_py()
    return sum(_text_bytes(pa.chunked_array([side.slice(start, end - start)])) for side in (chunk.keys, chunk.items))
