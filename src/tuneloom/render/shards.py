"""Token shards: Arrow IPC files, memory-mapped, that open with pyarrow or `datasets` alone.

`shards/<side>-00000.arrow` holds rows sorted by id, `packs.parquet` the plan that packs the training rows. Tokens are
views on the mapped file; the loss mask is stored as the runs of tokens that are learnt, some bytes a turn. The schema's
metadata tells which tokenizer and template made them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.writer import Writer
from tuneloom.errors import BrokenArtifact
from tuneloom.models.token_row import TokenRow, TokenRows, runs_of_rows
from tuneloom.records import ORIGIN

_RUN = pa.struct([("start", pa.int32()), ("end", pa.int32())])
SHARDS = pa.schema(
    [
        ("id", pa.string()),
        ("origin", ORIGIN),
        ("ids", pa.list_(pa.int32())),
        ("learnt", pa.list_(_RUN)),
        ("repeat", pa.int32()),
        ("template", pa.string()),
        ("exemplars", pa.list_(pa.string())),
    ]
)
"""`learnt` are the runs of tokens whose loss counts; `template` and `exemplars` name the row's prompt template and the
rows shown before it, where it has them."""
PACKS = pa.schema([("pack", pa.int32()), ("rows", pa.list_(pa.int32()))])
BATCH_ROWS = 1024
SHARD_TOKENS = 16 << 20
"""A shard is closed when it holds this many tokens (4 bytes each)."""


class ShardWriter:
    """Writes rows of every side, batch by batch, so that memory stays bounded; rows must come sorted by id."""

    def __init__(self, writer: Writer, metadata: Mapping[str, str]) -> None:
        self._writer, self._schema = writer, SHARDS.with_metadata(dict(metadata))
        self._waiting: dict[str, list[pa.Table]] = defaultdict(list)
        self._open: dict[str, _Shard] = {}
        self._closed: dict[str, int] = defaultdict(int)

    def add(self, sides: pa.Array, rows: pa.Table) -> None:
        """Appends rows of schema SHARDS, each to its side."""
        for side in pc.unique(sides).to_pylist():
            self._waiting[side].append(rows.filter(pc.equal(sides, side)))
            if sum(map(len, self._waiting[side])) >= BATCH_ROWS:
                self._flush(side, whole=True)

    def close(self) -> None:
        """Writes what waits and closes every shard."""
        for side in sorted(self._waiting):
            self._flush(side)
            if side in self._open:
                self._close(side)

    def _flush(self, side: str, whole: bool = False) -> None:
        """Writes what waits; of `whole` batches alone the rest waits on."""
        rows = pa.concat_tables(self._waiting.pop(side)).combine_chunks()
        end = len(rows) // BATCH_ROWS * BATCH_ROWS if whole else len(rows)
        if end < len(rows):
            self._waiting[side] = [rows.slice(end)]
        for start in range(0, end, BATCH_ROWS):
            # Taken, not sliced: what is written of a slice's structs depends on where it was cut.
            (batch,) = rows.take(pa.array(range(start, min(start + BATCH_ROWS, end)))).combine_chunks().to_batches()
            if side not in self._open:
                self._open[side] = _Shard(self._writer, f"shards/{side}-{self._closed[side]:05d}.arrow", self._schema)
            self._open[side].write(batch.replace_schema_metadata(self._schema.metadata))
            if self._open[side].tokens >= SHARD_TOKENS:
                self._close(side)

    def _close(self, side: str) -> None:
        shard = self._open.pop(side)
        shard.stream.close()
        self._writer.file(shard.path, shard.rows)  # now the rows are known
        self._writer.count(rows_out=shard.rows)
        self._closed[side] += 1


def token_columns(rows: TokenRows) -> dict[str, pa.Array]:
    """The columns `ids` and `learnt` of rows."""
    return {
        "ids": pa.ListArray.from_arrays(pa.array(rows.bounds, pa.int32()), pa.array(rows.ids, pa.int32())),
        "learnt": _learnt(rows.loss_mask, rows.bounds),
    }


def _learnt(loss_mask: NDArray[np.uint8], bounds: NDArray[np.int64]) -> pa.ListArray:
    """The masks of many rows, uint8 (t,), row r at `bounds[r]:bounds[r + 1]`, as runs counted from each row's start."""
    starts, ends = runs_of_rows(loss_mask, bounds)
    rows = np.searchsorted(bounds, starts, side="right") - 1
    runs = pa.StructArray.from_arrays(
        [pa.array(edge - bounds[rows], pa.int32()) for edge in (starts, ends)], fields=list(_RUN)
    )
    return pa.ListArray.from_arrays(pa.array(np.searchsorted(rows, np.arange(len(bounds))), pa.int32()), runs)


class _Shard:
    def __init__(self, writer: Writer, path: str, schema: pa.Schema) -> None:
        self.path, self.rows, self.tokens = path, 0, 0
        self.stream = pa.ipc.new_file(str(writer.file(path)), schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self.stream.write_batch(batch)
        self.rows += len(batch)
        self.tokens += len(batch["ids"].flatten())


class ShardRows(Sequence[TokenRow]):
    """The rows of one side, in shard order, by number: tokens are views on the mapped files, nothing copied."""

    def __init__(self, batches: Sequence[pa.RecordBatch], metadata: Mapping[str, str]) -> None:
        self.metadata = dict(metadata)
        self._batches = [_Batch(batch) for batch in batches]
        self._starts = np.cumsum([0, *(len(batch.ids) for batch in self._batches)])

    def check_made_with(self, tokenizer: str) -> None:
        """Raises BrokenArtifact where another tokenizer than the one of this digest made the rows."""
        made = self.metadata.get("tokenizer")
        if len(self) and made != tokenizer:
            raise BrokenArtifact(
                f"the shards were made with tokenizer {made}, not with the model's, {tokenizer}",
                where="stage render, metadata of its shards",
                remedy="Render again with the model that is to be trained.",
            )

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
        self.runs = batch["learnt"].offsets.to_numpy()
        learnt = batch["learnt"].values
        self.learnt_starts, self.learnt_ends = (learnt.field(name).to_numpy() for name in ("start", "end"))
        self.repeat = batch["repeat"].to_numpy()

    def row(self, index: int) -> TokenRow:
        tokens = self.tokens[self.offsets[index] : self.offsets[index + 1]]
        mask = np.zeros(len(tokens), np.uint8)
        for run in range(self.runs[index], self.runs[index + 1]):
            mask[self.learnt_starts[run] : self.learnt_ends[run]] = 1
        return TokenRow(self.ids[index].as_py(), tokens, mask)


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
