"""CSV and TSV. The first record names the columns where it looks like names; otherwise they are "1", "2", ...

Quotes follow RFC 4180 in CSV; in TSV they are letters unless every quoted cell is closed (FLAN's files hold bare ones).
"""

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tuneloom.ingest.readers.line import Line, ReadFault
from tuneloom.ingest.readers.opening import ending, open_bytes
from tuneloom.ingest.readers.sniff import BOM

_NAME = re.compile(r"[\w][\w .#/()-]{0,40}")
_QUOTED = re.compile(rb'"(?:[^"]|"")*"')


def read(path: Path) -> Iterator[Line]:
    """b'q,a\\n1+1?,2\\n' -> Line(1, b'1+1?,2\\n', {"q": "1+1?", "a": "2"}); rows count from 1 after the names."""
    csv.field_size_limit(sys.maxsize)
    with open_bytes(path) as stream:
        first = _text(next(line for line in stream if line.strip()))
    mark = "\t" if ending(path) in (".tsv", ".tab") else max(",\t;|", key=first.count)
    quoting = csv.QUOTE_MINIMAL if mark != "\t" or _closes_quotes(path) else csv.QUOTE_NONE
    with open_bytes(path) as stream:
        yield from _rows(_Recorder(stream), mark, quoting)


class _Recorder:
    """The stream's lines as text; `taken` gives the bytes read since it was last asked: a record's own."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._bytes, self._first = stream, b"", True

    def __iter__(self) -> Iterator[str]:
        for line in self._stream:
            line = line.removeprefix(BOM) if self._first else line
            self._first = False
            self._bytes += line
            yield _text(line)

    def taken(self) -> bytes:
        raw, self._bytes = self._bytes, b""
        return raw


def _rows(lines: _Recorder, mark: str, quoting: Any) -> Iterator[Line]:
    records = csv.reader(lines, delimiter=mark, quoting=quoting, strict=True)
    names: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Line(number, lines.taken(), ReadFault("unreadable row", f"not a record: {error}"))
            continue
        raw = lines.taken()
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = _names(cells)
            if names == cells:
                continue
        number += 1
        yield Line(number, raw, _row(names, cells))


def _row(names: list[str], cells: list[str]) -> dict[str, str] | ReadFault:
    if len(cells) != len(names):
        return ReadFault("unreadable row", f"{len(cells)} cells under {len(names)} column names")
    if any("\udc80" <= letter <= "\udcff" for cell in cells if not cell.isascii() for letter in cell):
        return ReadFault("unreadable row", "not UTF-8")
    return dict(zip(names, cells, strict=True))


def _names(cells: list[str]) -> list[str]:
    """["q", "a"] -> itself; ["What is 1+1?\\nSay.", "2"] -> ["1", "2"], for that is data."""
    if len(set(cells)) == len(cells) and all(_NAME.fullmatch(cell) and not cell.isdigit() for cell in cells):
        return cells
    return [str(i) for i in range(1, len(cells) + 1)]


def _closes_quotes(path: Path) -> bool:
    """Whether every cell of a TSV that begins with a quote is a whole quoted cell; a pass over the file."""
    with open_bytes(path) as stream:
        return all(
            _QUOTED.fullmatch(cell)
            for line in stream
            if b'"' in line
            for cell in line.rstrip(b"\r\n").split(b"\t")
            if cell.startswith(b'"')
        )


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
