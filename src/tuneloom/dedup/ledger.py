"""The ledger: of each row what decides who survives, and where it came from; 53 bytes a row, whatever its names.

Names of files are held once each, and rows hold their number.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.records import Origin
from tuneloom.text.kernels import text_buffers

COLUMNS = ("id", "content_hash", "origin", "references", "use")
"""Columns of `records.ROWS` that `entries` reads."""


@dataclass(frozen=True)
class Ledger:
    """Of n rows, by position."""

    names: tuple[tuple[str, str], ...]
    """Source and file, sorted, of each number in `file`"""
    file: np.ndarray
    """int32 (n,)"""
    row: np.ndarray
    """int64 (n,)"""
    part: np.ndarray
    """int32 (n,)"""
    references: np.ndarray
    """int32 (n,): how many"""
    train: np.ndarray
    """bool (n,): whether the row is to train, and competes"""
    hashes: np.ndarray
    """uint64 (4, n): content hash and id, in numbers that sort as they do; none once the order is known"""

    def __len__(self) -> int:
        return len(self.file)

    def without_hashes(self) -> "Ledger":
        """The same, 32 bytes a row smaller."""
        return replace(self, hashes=np.empty((4, 0), np.uint64))

    def origin(self, position: int) -> Origin:
        """Where a row came from."""
        source, file = self.names[self.file[position]]
        return Origin(source, file, int(self.row[position]), int(self.part[position]))

    @property
    def sources(self) -> list[str]:
        """Names of the sources, sorted."""
        return sorted({source for source, _ in self.names})

    def source(self) -> np.ndarray:
        """int32 (n,): number of each row's source in `sources`."""
        numbers = {name: number for number, name in enumerate(self.sources)}
        return np.array([numbers[source] for source, _ in self.names] or [0], np.int32)[self.file]


def entries(table: pa.Table) -> pa.Table:
    """What the ledger holds of a table's rows: `hash_0` to `hash_3`, `references`, `train`, `source`, `file`, ..."""
    origin = _one_chunk(table["origin"])
    hashes = np.concatenate([numbers(table[name]) for name in ("content_hash", "id")], axis=1)
    return pa.table(
        {
            **{f"hash_{lane}": hashes[:, lane].copy() for lane in range(4)},
            "references": pc.fill_null(pc.list_value_length(table["references"]), 0),
            "train": pc.equal(table["use"], "train"),
            "source": pc.struct_field(origin, "source").dictionary_encode(),
            "file": pc.struct_field(origin, "file").dictionary_encode(),
            "row": pc.struct_field(origin, "row"),
            "part": pc.fill_null(pc.struct_field(origin, "part"), 0),
        }
    )


class LedgerBuilder:
    """Fills a ledger of `count` rows with entries as they come."""

    def __init__(self, count: int) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._at = 0
        self._file, self._part, self._references = (np.empty(count, np.int32) for _ in range(3))
        self._row, self._train = np.empty(count, np.int64), np.empty(count, bool)
        self._hashes = np.empty((4, count), np.uint64)

    def add(self, found: pa.Table) -> None:
        """The entries of the next rows."""
        place = slice(self._at, self._at + len(found))
        self._at += len(found)
        for lane in range(4):
            self._hashes[lane, place] = found[f"hash_{lane}"].to_numpy()
        self._row[place], self._part[place] = found["row"].to_numpy(), found["part"].to_numpy()
        self._references[place], self._train[place] = found["references"].to_numpy(), found["train"].to_numpy()
        self._file[place] = self._file_numbers(found)

    def ledger(self) -> Ledger:
        """The whole; file numbers then follow the names, so that they sort as these do."""
        names = sorted(self._numbers)
        ranks = np.empty(max(1, len(names)), np.int32)
        ranks[[self._numbers[name] for name in names]] = np.arange(len(names), dtype=np.int32)
        file = ranks[self._file]
        return Ledger(tuple(names), file, self._row, self._part, self._references, self._train, self._hashes)

    def _file_numbers(self, found: pa.Table) -> np.ndarray:
        """A number for each row's source and file, int32 (k,), in order of appearance."""
        sources, files = _one_chunk(found["source"]), _one_chunk(found["file"])
        width = max(1, len(files.dictionary))
        pairs = sources.indices.to_numpy().astype(np.int64) * width + files.indices.to_numpy()
        distinct, inverse = np.unique(pairs, return_inverse=True)
        names = [
            (sources.dictionary[n // width].as_py(), files.dictionary[n % width].as_py()) for n in distinct.tolist()
        ]
        numbers = [self._numbers.setdefault(name, len(self._numbers)) for name in names]
        return np.array(numbers or [0], np.int32)[inverse]


def numbers(hexadecimal: pa.ChunkedArray) -> np.ndarray:
    """Hashes of 32 hexadecimal digits -> uint64 (n, 2), which sort as the texts do."""
    text, bounds = text_buffers(_one_chunk(hexadecimal.cast(pa.large_string())))
    digits = text[bounds[0] : bounds[-1]].reshape(-1, 16, 2)
    values = np.where(digits >= ord("a"), digits - (ord("a") - 10), digits - ord("0"))
    packed = (values[:, :, 0] << 4 | values[:, :, 1]).astype(np.uint8)
    return np.ascontiguousarray(packed).view(">u8").astype(np.uint64)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
