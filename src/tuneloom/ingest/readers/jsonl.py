"""JSON lines: each line is a row of its own, so a broken one costs nothing but itself."""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuneloom.ingest.readers.decoding import decode
from tuneloom.ingest.readers.line import LONGEST, SHOWN, Line, ReadFault, lines_of
from tuneloom.ingest.readers.opening import open_bytes


def read(path: Path) -> Iterator[Line]:
    """b'{"a": 1}\\n\\n{"a": \\n' -> Line(1, ..., {"a": 1}), Line(3, ..., ReadFault(...)); blank lines are no rows."""
    with open_bytes(path) as stream:
        yield from decode_lines(lines_of(stream, LONGEST))


def read_range(path: Path, start: int, stop: int, number: int) -> Iterator[Line]:
    """The rows of the lines that begin from byte `start` up to `stop`, the first of which is line `number`."""
    return decode_lines(range_bytes(path, start, stop).split(b"\n"), number)


def range_bytes(path: Path, start: int, stop: int) -> bytes:
    """A file's bytes from `start` to `stop` without a byte order mark; of one line that is too long not all."""
    with path.open("rb") as stream:
        stream.seek(start)
        text = stream.read(min(stop - start, 2 * LONGEST))
    return text.removeprefix(codecs.BOM_UTF8 if start == 0 else b"")


def decode_lines(lines: Iterable[bytes], number: int = 1) -> Iterator[Line]:
    """The rows of consecutive lines; the first of them is line `number`."""
    for at, text in enumerate(lines, number):
        raw = text.rstrip(b"\r\n")
        if len(raw) > LONGEST:
            yield Line(at, raw[:SHOWN], ReadFault("row too long", f"no end within {LONGEST >> 20} MiB"))
        elif raw.strip():
            yield Line(at, raw, decode(raw))
