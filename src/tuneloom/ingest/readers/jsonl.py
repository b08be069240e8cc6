"""JSON lines: each line is a row of its own, so a broken one costs nothing but itself."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tuneloom.ingest.readers.decoding import decode
from tuneloom.ingest.readers.encodings import BOM
from tuneloom.ingest.readers.line import Line
from tuneloom.ingest.readers.opening import open_bytes


def read(path: Path) -> Iterator[Line]:
    """b'{"a": 1}\\n\\n{"a": \\n' -> Line(1, ..., {"a": 1}), Line(3, ..., ReadFault(...)); blank lines are no rows."""
    with open_bytes(path) as stream:
        yield from decode_lines(stream)


def decode_lines(lines: Iterable[bytes], number: int = 1) -> Iterator[Line]:
    """The rows of consecutive lines; the first of them is line `number`."""
    for at, text in enumerate(lines, number):
        raw = (text.removeprefix(BOM) if at == 1 else text).rstrip(b"\r\n")
        if raw.strip():
            yield Line(at, raw, decode(raw))
