"""The shuffle by band: hashes of all rows go to a file a band, and each band says which rows share a hash in it.

A band file holds eight bytes a row, in the order of positions; a band is looked through in as many passes over its
file as the memory allows. What rows share is the same however many passes there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from tuneloom.text.similarity import Buckets
from tuneloom.workers import Pool

_BYTES_IN_A_PASS = 48
"""What a row costs while its band is sorted: hash, order, sorted hash, marks, bucket."""
_BLOCK = 1 << 20


class BandFiles:
    """Writes band hashes, as the rows come, to `folder`."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.paths = [folder / f"band-{band:03d}.u64" for band in range(count)]
        self._streams = [path.open("wb") for path in self.paths]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._streams:
            stream.close()

    def add(self, hashes: np.ndarray) -> None:
        """Band hashes uint64 (k, bands) of the next rows."""
        for band, stream in enumerate(self._streams):
            stream.write(np.ascontiguousarray(hashes[:, band]).data)


def band_matrix(column: pa.ChunkedArray, count: int) -> np.ndarray:
    """The column `bands` of the fingerprints, uint64 (n, count)."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.uint64).reshape(-1, count)[chunk.offset : chunk.offset + len(chunk)]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(chunks) if chunks else np.empty((0, count), np.uint64)


def shared_buckets(paths: Sequence[Path], rows: np.ndarray, pool: Pool, memory: float) -> tuple[np.ndarray, Buckets]:
    """Which of the rows at positions `rows` int64 (m,) share a band with another, and their buckets.

    Returns their places in `rows`, int64 (k,), ascending, and the buckets of these k rows. `memory` in bytes bounds
    what all bands that are worked on at once take.
    """
    if not len(paths) or not len(rows):
        return np.empty(0, np.int64), Buckets(np.zeros(1, np.int64), np.empty(0, np.int32))
    chosen = paths[0].parent / "rows.i64"
    chosen.write_bytes(np.ascontiguousarray(rows, np.int64).data)
    passes = int(np.ceil(len(rows) * _BYTES_IN_A_PASS * pool.count / memory))
    made = list(pool.map(ShareBand(chosen, max(1, passes)), paths))
    counts = np.zeros(len(rows), np.int32)
    for path, _ in made:
        counts[_load(path)[:, 0]] += 1
    contending = np.flatnonzero(counts)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[contending], dtype=np.int64)])
    numbers = np.empty(bounds[-1], np.int32)
    place = counts  # from here on: which of the contending rows it is
    place[contending] = np.arange(len(contending), dtype=np.int32)
    free = bounds[:-1].copy()
    used = 0
    for path, buckets in made:
        row, number = _load(path).T
        row = place[row]
        numbers[free[row]] = number + used
        free[row] += 1
        used += buckets
        path.unlink()
    return contending, Buckets(bounds, numbers)


@dataclass(frozen=True)
class ShareBand:
    """Finds which rows share a hash in a band: `rows` is the file of their positions, best first."""

    rows: Path
    passes: int

    def __call__(self, band: Path) -> tuple[Path, int]:
        """Writes pairs of a row's place and its bucket, int32 (k, 2); returns that file and how many buckets."""
        rows, hashes = np.fromfile(self.rows, np.int64), np.memmap(band, np.uint64, "r")
        out, used = band.with_suffix(".shared"), 0
        with out.open("wb") as stream:
            for number in range(self.passes):
                places = self._places(hashes, rows, number)
                shared, buckets, count = runs(hashes[rows[places]])
                pairs = np.stack([places[shared].astype(np.int32), buckets + np.int32(used)], axis=1)
                stream.write(np.ascontiguousarray(pairs).data)
                used += count
        return out, used

    def _places(self, hashes: np.ndarray, rows: np.ndarray, number: int) -> np.ndarray:
        """The places in `rows` int64 (m,) whose hash is this pass's, int64 (k,)."""
        if self.passes == 1:
            return np.arange(len(rows))
        found = [
            start + np.flatnonzero(hashes[rows[start : start + _BLOCK]] % np.uint64(self.passes) == number)
            for start in range(0, len(rows), _BLOCK)
        ]
        return np.concatenate(found)


def runs(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Which of n hashes uint64 (n,) occur more than once: their places int64 (k,), bucket numbers int32 (k,), and how
    many buckets. [7, 5, 7] -> [0, 2], [0, 0], 1"""
    order = np.argsort(hashes)
    ordered = hashes[order]
    same = ordered[1:] == ordered[:-1]
    shared = np.zeros(len(hashes), bool)
    shared[1:] |= same
    shared[:-1] |= same
    starts = shared.copy()
    starts[1:] &= ~same
    return order[shared], (np.cumsum(starts[shared]) - 1).astype(np.int32), int(starts.sum())


def _load(path: Path) -> np.ndarray:
    return np.fromfile(path, np.int32).reshape(-1, 2)
