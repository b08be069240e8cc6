"""Token shards: Arrow IPC files, memory-mapped, that open with pyarrow alone.

`shards/<side>-00000.arrow` holds rows sorted by id, `packs.parquet` the plan that packs the training rows. The schema's
metadata tells which tokenizer and template made them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.writer import Writer
from tuneloom.models.token_row import TokenRow
from tuneloom.records import ORIGIN

SHARDS = pa.schema(
    [
        ("id", pa.string()),
        ("origin", ORIGIN),
        ("ids", pa.list_(pa.int32())),
        ("loss_mask", pa.list_(pa.uint8())),
        ("repeat", pa.int32()),
    ]
)
PACKS = pa.schema([("pack", pa.int32()), ("rows", pa.list_(pa.int32()))])
BATCH_ROWS = 1024
SHARD_TOKENS = 16 << 20
"""A shard is closed when it holds this many tokens (5 bytes each)."""


class ShardWriter:
    """Writes rows of every side, batch by batch, so that memory stays bounded; rows must come sorted by id."""

    def __init__(self, writer: Writer, metadata: Mapping[str, str]) -> None:
        self._writer, self._schema = writer, SHARDS.with_metadata(dict(metadata))
        self._waiting: dict[str, list[dict]] = defaultdict(list)
        self._open: dict[str, _Shard] = {}
        self._closed: dict[str, int] = defaultdict(int)

    def add(self, side: str, row: TokenRow, origin: Mapping[str, object], repeat: int) -> None:
        """Appends one row to its side."""
        waiting = self._waiting[side]
        waiting.append(
            {"id": row.id, "origin": origin, "ids": row.ids, "loss_mask": row.loss_mask, "repeat": repeat},
        )
        if len(waiting) == BATCH_ROWS:
            self._flush(side)

    def close(self) -> None:
        """Writes what waits and closes every shard."""
        for side in sorted(self._waiting):
            self._flush(side)
            if side in self._open:
                self._close(side)

    def _flush(self, side: str) -> None:
        rows = self._waiting[side]
        if not rows:
            return
        if side not in self._open:
            self._open[side] = _Shard(self._writer, f"shards/{side}-{self._closed[side]:05d}.arrow", self._schema)
        self._open[side].write(pa.RecordBatch.from_pylist(rows, schema=self._schema))
        rows.clear()
        if self._open[side].tokens >= SHARD_TOKENS:
            self._close(side)

    def _close(self, side: str) -> None:
        shard = self._open.pop(side)
        shard.stream.close()
        self._writer.file(shard.path, shard.rows)  # now the rows are known
        self._writer.count(rows_out=shard.rows)
        self._closed[side] += 1


class _Shard:
    def __init__(self, writer: Writer, path: str, schema: pa.Schema) -> None:
        self.path, self.rows, self.tokens = path, 0, 0
        self.stream = pa.ipc.new_file(str(writer.file(path)), schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self.stream.write_batch(batch)
        self.rows += len(batch)
        self.tokens += len(batch["ids"].values)


class ShardRows(Sequence[TokenRow]):
    """The rows of one side, in shard order, by number: views on the mapped files, nothing copied."""

    def __init__(self, batches: Sequence[pa.RecordBatch], metadata: Mapping[str, str]) -> None:
        self.metadata = dict(metadata)
        self._batches = [_Batch(batch) for batch in batches]
        self._starts = np.cumsum([0, *(len(batch.ids) for batch in self._batches)])

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Tokens of every row: int32 (rows,)."""
        return np.concatenate([np.zeros(0, np.int32), *(np.diff(b.offsets).astype(np.int32) for b in self._batches)])

    @property
    def repeats(self) -> NDArray[np.int32]:
        """How often each row trains in an epoch: int32 (rows,)."""
        return np.concatenate([np.zeros(0, np.int32), *(b.repeat for b in self._batches)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @overload
    def __getitem__(self, index: int) -> TokenRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[TokenRow]: ...
    def __getitem__(self, index: int | slice) -> TokenRow | list[TokenRow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        place = index % len(self)
        number = int(np.searchsorted(self._starts, place, side="right")) - 1
        return self._batches[number].row(place - int(self._starts[number]))


class _Batch:
    """NumPy views on one record batch."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.ids = batch["id"]
        self.offsets = batch["ids"].offsets.to_numpy()
        self.tokens = batch["ids"].values.to_numpy()
        self.mask = batch["loss_mask"].values.to_numpy()
        self.repeat = batch["repeat"].to_numpy()

    def row(self, index: int) -> TokenRow:
        span = slice(self.offsets[index], self.offsets[index + 1])
        return TokenRow(self.ids[index].as_py(), self.tokens[span], self.mask[span])


def read_rows(artifact: Artifact, side: str) -> ShardRows:
    """The rows of `side` (train, validation, test, suite) of a render artifact; empty where it has none."""
    batches: list[pa.RecordBatch] = []
    metadata: dict[str, str] = {}
    for path in artifact.files(f"shards/{side}-"):
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        metadata = {k.decode(): v.decode() for k, v in (reader.schema.metadata or {}).items()}
        batches += [reader.get_batch(i) for i in range(reader.num_record_batches)]
    return ShardRows(batches, metadata)


def write_packs(writer: Writer, packs: Sequence[Sequence[int]]) -> None:
    """Writes the plan: `pack` int32, `rows` list<int32>, numbers into the training rows in shard order; a row that
    repeats stands in several packs."""
    table = pa.table([pa.array(range(len(packs)), pa.int32()), pa.array(packs, PACKS.field("rows").type)], schema=PACKS)
    pq.write_table(table, writer.file("packs.parquet", len(packs)), compression="zstd")


def read_packs(artifact: Artifact) -> list[list[int]]:
    """The packs of a render artifact, in the order they train in."""
    return pq.read_table(artifact.path("packs.parquet"))["rows"].to_pylist()
