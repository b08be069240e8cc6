"""The stage: one file in, one artifact out; every row of the file is kept or rejected, in pieces of bounded memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tuneloom.artifacts import Writer
from tuneloom.config import Source
from tuneloom.ingest.block import LABELS, Converted, Reading, Terms, convert, decide_reading
from tuneloom.ingest.detect import SAMPLE
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.express import Lane, convert_range, lane_of
from tuneloom.ingest.readers import Line
from tuneloom.ingest.readers.pieces import BLOCK, Piece, Range, in_blocks, pieces
from tuneloom.ingest.takedowns import entries_met
from tuneloom.records import ROWS
from tuneloom.workers import Threads, Workers, cores, start_importing

WORTH_WORKERS = 8 << 20
"""Bytes to read from which processes pay for their start of about a second."""

_PRELOAD = ("tuneloom.ingest.warm",)
_MANY = 8
"""One row in so many is too many for threads: rows converted one by one run one at a time in them."""
_PIECES_LOOKED_AT = 8
"""Enough to know a file by where its rows are so long that few are in a piece."""


def ingest_file(
    writer: Writer,
    file: SourceFile,
    source: Source,
    terms: Terms,
    limit: int | None = None,
    workers: Workers | None = None,
) -> frozenset[str]:
    """Writes a file's conversations (schema `records.ROWS`) and rejects; `limit` reads only the first rows. Returns the
    entries of the list of takedowns that it holds.

    A row with several instances counts once as read, its further instances as made. A file that cannot be read is
    itself one rejected row. Raises ConfigError for an unknown format.
    """
    how, lane, rest = _look(file, source, terms, limit)
    writer.add(ROWS.empty_table())
    writer.count(rows_in=0)
    rows, taken, tallies = 0, set[str](), {name: Counter[str]() for name in LABELS}
    for done in _converted(rest, partial(_convert, how=how, lane=lane), lane, workers):
        writer.count(rows_in=done.rows, made=done.made)
        writer.add(done.kept)
        writer.reject(done.rejects)
        rows += done.rows
        taken |= entries_met(done.rejects)
        for name, tally in done.tallies.items():
            tallies[name].update(tally)
    writer.stats = _stats(how, rows, tallies)
    return frozenset(taken)


def workers_for(files: Iterable[Path]) -> AbstractContextManager[Workers | None]:
    """Worker processes for `ingest_file`, where there is enough to read; otherwise None."""
    return Workers(preload=_PRELOAD) if _are_worth_workers(files) else nullcontext()


def start_importing_for(files: Iterable[Path]) -> None:
    """Lets the workers' imports begin where there will be workers, while the caller does something else."""
    if _are_worth_workers(files):
        start_importing(_PRELOAD)


def _are_worth_workers(files: Iterable[Path]) -> bool:
    return cores() > 1 and sum(path.stat().st_size for path in files if path.is_file()) >= WORTH_WORKERS


def _look(
    file: SourceFile, source: Source, terms: Terms, limit: int | None
) -> tuple[Reading, Lane | None, Iterator[Piece]]:
    """How the file is read, by the first of its rows that are objects, and all its pieces."""
    rest, seen, first = pieces(file.path, limit), list[Piece](), list[dict[str, Any]]()
    most = BLOCK if source.columns else SAMPLE
    for piece in rest:
        seen.append(piece)
        objects = (line.value for line in piece.lines() if isinstance(line.value, dict))
        first += islice(objects, most - len(first))
        if len(first) == most or (first and len(seen) == _PIECES_LOOKED_AT):
            break
    how, rest = decide_reading(file, source, terms, first), chain(seen, rest)
    gather = getattr(how.parser, "gather", None)
    if gather:
        return how, None, _gathered(pieces(file.path), gather, limit)
    return how, lane_of(how, first), rest


def _gathered(
    rest: Iterable[Piece], gather: Callable[[Iterator[Line]], Iterator[Line]], limit: int | None
) -> Iterator[Piece]:
    """The pieces anew, after a format has joined lines that are one row; `limit` counts these."""
    yield from in_blocks(islice(gather(line for piece in rest for line in piece.lines()), limit))


def _converted(
    rest: Iterator[Piece], work: Callable[[Piece], Converted], lane: Lane | None, workers: Workers | None
) -> Iterator[Converted]:
    """What becomes of the pieces, in their order: on the express lane by threads, for its kernels run side by side;
    by worker processes where the first piece shows that many rows leave it."""
    left = lane is None
    if lane and (first := next(rest, None)):
        yield (done := work(first))
        left = done.apart * _MANY > done.rows
    if left:
        yield from workers.map(work, rest) if workers else map(work, rest)
    else:
        yield from Threads().map(work, rest)


def _convert(piece: Piece, how: Reading, lane: Lane | None) -> Converted:
    return convert_range(piece, how, lane) if lane and isinstance(piece, Range) else convert(piece.lines(), how)


def _stats(how: Reading, rows: int, tallies: dict[str, Counter[str]]) -> dict[str, Any]:
    """For `show` and the report."""
    return {
        "file": how.file.relative,
        "format": how.format.format if how.format else None,
        "confidence": how.format.confidence if how.format else None,
        "rows": rows,
        **{name: dict(sorted(tally.items())) for name, tally in tallies.items()},
    }
