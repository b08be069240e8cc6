"""A file in pieces that can be read apart, by other processes: byte ranges of JSON lines, else blocks of rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from tuneloom.ingest.readers.jsonl import read_range
from tuneloom.ingest.readers.line import Line, ReadFault, UnreadableFile
from tuneloom.ingest.readers.opening import FAULTS, is_plain
from tuneloom.ingest.readers.reading import read
from tuneloom.ingest.readers.sniff import sniff

BLOCK = 2_000
"""Most rows of a piece that was read already."""
RANGE = 4 << 20
"""Bytes of a piece that is yet to be read, and from which a piece that was read ends."""


class Piece(Protocol):
    """Some rows of a file, in their order."""

    def lines(self) -> Iterator[Line]:
        """The rows."""


@dataclass(frozen=True)
class Block:
    """Rows that were read already."""

    rows: tuple[Line, ...]

    def lines(self) -> Iterator[Line]:
        """The rows."""
        return iter(self.rows)


@dataclass(frozen=True)
class Range:
    """The lines of a JSONL file from byte `start` to `stop`; the first of them is line `number`."""

    path: Path
    start: int
    stop: int
    number: int

    def lines(self) -> Iterator[Line]:
        """The rows, decoded."""
        return read_range(self.path, self.start, self.stop, self.number)


def pieces(path: Path, limit: int | None = None) -> Iterator[Piece]:
    """The file's rows, at most `limit`, in pieces; where it cannot be read (on), a last row says so, number 0 if it is
    the only one."""
    if limit is None and _can_be_parted(path):
        yield from _ranges(path)
    else:
        yield from in_blocks(_to_the_fault(islice(read(path), limit)))


def _can_be_parted(path: Path) -> bool:
    """Whether it is JSON lines as they are; a file that cannot be opened is told by who reads it."""
    try:
        return sniff(path) == "jsonl" and is_plain(path)
    except (UnreadableFile, *FAULTS):
        return False


def _ranges(path: Path) -> Iterator[Range]:
    """Ranges of about 4 MiB that end with a line, however long that is."""
    start, number = 0, 1
    with path.open("rb") as stream:
        while chunk := stream.read(RANGE):
            lines, last = chunk.count(b"\n"), chunk
            while last and not last.endswith(b"\n"):
                last = stream.readline(RANGE)
                lines += last.endswith(b"\n")
            yield Range(path, start, stream.tell(), number)
            start, number = stream.tell(), number + lines


def in_blocks(lines: Iterable[Line]) -> Iterator[Block]:
    """Rows that were read in pieces of at most BLOCK rows, and of at most RANGE bytes and one row."""
    block: list[Line] = []
    size = 0
    for line in lines:
        block.append(line)
        size += _size(line.value) if line.raw is None else len(line.raw)
        if len(block) >= BLOCK or size >= RANGE:
            yield Block(tuple(block))
            block, size = [], 0
    if block:
        yield Block(tuple(block))


def _size(value: Any) -> int:
    """About the bytes of a table's row: {"a": "Hi", "b": [1, 2]} -> 18."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict | list):
        return sum(map(_size, value.values() if isinstance(value, dict) else value))
    return 8


def _to_the_fault(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines, and a last one that tells why they end where they cannot be read on."""
    last = 0
    try:
        for line in lines:
            yield line
            last = line.number
    except UnreadableFile as fault:
        yield Line(last + 1 if last else 0, None, ReadFault("unreadable file", str(fault)))
