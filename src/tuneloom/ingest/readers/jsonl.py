"""JSON lines: each line is a row of its own, so a broken one costs nothing but itself."""

from collections.abc import Iterator
from pathlib import Path

from tuneloom.ingest.readers.decoding import decode
from tuneloom.ingest.readers.line import Line
from tuneloom.ingest.readers.opening import open_bytes
from tuneloom.ingest.readers.sniff import BOM


def read(path: Path) -> Iterator[Line]:
    """b'{"a": 1}\\n\\n{"a": \\n' -> Line(1, ..., {"a": 1}), Line(3, ..., ReadFault(...)); blank lines are no rows."""
    with open_bytes(path) as stream:
        for number, text in enumerate(stream, 1):
            raw = (text.removeprefix(BOM) if number == 1 else text).rstrip(b"\r\n")
            if raw.strip():
                yield Line(number, raw, decode(raw))
