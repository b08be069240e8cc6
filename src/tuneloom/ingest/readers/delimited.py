"""CSV and TSV. The first record names the columns where it looks like names; otherwise they are "1", "2", ...

Quotes follow RFC 4180 in CSV; in TSV they are letters unless every quoted cell is closed (FLAN's files hold bare ones).
A quote that never closes takes what follows up to LONGEST bytes with it, and reading goes on after that.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tuneloom.ingest.readers.encodings import not_utf8
from tuneloom.ingest.readers.line import LONGEST, SHOWN, Line, ReadFault, lines_of
from tuneloom.ingest.readers.opening import ending, open_bytes

_NAME = re.compile(r"[\w][\w .#/()-]{0,40}")
_QUOTED_TEXT = re.compile(r'"[^"]*"')
_QUOTED = re.compile(rb'"(?:[^"]|"")*"')
_COLUMN_WORDS = {
    *("instruction", "input", "output", "prompt", "completion", "question", "answer", "query", "response", "context"),
    *("text", "label", "id", "system", "source", "target", "inputs", "targets", "category", "title"),
}


def read(path: Path) -> Iterator[Line]:
    """b'q,a\\n1+1?,2\\n' -> Line(1, b'1+1?,2\\n', {"q": "1+1?", "a": "2"}); rows count from 1 after the names."""
    csv.field_size_limit(sys.maxsize)
    with open_bytes(path) as stream:
        first = _QUOTED_TEXT.sub("", _text(next((line for line in lines_of(stream, LONGEST) if line.strip()), b"")))
    mark = "\t" if ending(path) in (".tsv", ".tab") else max(",\t;|", key=first.count)
    quoting = csv.QUOTE_MINIMAL if mark != "\t" or _closes_quotes(path) else csv.QUOTE_NONE
    with open_bytes(path) as stream:
        yield from _rows(_Record(stream), mark, quoting)


class _TooLong(Exception):
    """A record goes on for more than LONGEST bytes."""


class _Record:
    """The stream's lines as text; `taken` gives the bytes read since it was last asked: a record's own."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines, self.is_text = lines_of(stream, LONGEST), True
        self._taken: bytes | bytearray = b""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if not self._taken:
            self._taken = line
        elif isinstance(self._taken, bytes):
            self._taken = bytearray(self._taken + line)  # a record of many lines, which must not be as many objects
        else:
            self._taken += line
        if len(self._taken) > LONGEST:
            raise _TooLong
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.is_text = False
            return _text(line)

    def taken(self) -> bytes:
        """Of a record that is too long, its first SHOWN bytes."""
        raw = self._taken if len(self._taken) <= LONGEST else self._taken[:SHOWN]
        self._taken, self.is_text = b"", True
        return bytes(raw)


def _rows(lines: _Record, mark: str, quoting: Any) -> Iterator[Line]:
    records = csv.reader(lines, delimiter=mark, quoting=quoting, strict=True)
    names: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(records)
        except StopIteration:
            return
        except (csv.Error, _TooLong) as error:
            number += 1
            yield Line(number, lines.taken(), _no_record(error))
            continue
        is_text, raw = lines.is_text, lines.taken()
        if not any(map(str.strip, cells)):
            continue
        if names is None:
            names, is_header = _names(cells)
            if is_header:
                continue
        number += 1
        yield Line(number, raw, _row(names, cells) if is_text else not_utf8(raw))


def _no_record(error: Exception) -> ReadFault:
    if isinstance(error, _TooLong):
        return ReadFault("row too long", f"no end within {LONGEST >> 20} MiB: a quote may never close")
    return ReadFault("unreadable row", f"not a record: {error}")


def _row(names: list[str], cells: list[str]) -> dict[str, str] | ReadFault:
    if len(cells) != len(names):
        return ReadFault("unreadable row", f"{len(cells)} cells under {len(names)} column names")
    row = dict(zip(names, cells, strict=True))
    zero = next((name for name, cell in row.items() if "\0" in cell), None)
    return row if zero is None else ReadFault("unreadable row", f"a zero byte under {zero!r}")


def _names(cells: list[str]) -> tuple[list[str], bool]:
    """The columns' names, and whether the first record is these: ["q", "a"] is; ["What is 1+1?\\nSay.", "2"] is data.

    A column without a name (pandas writes its index so) has its number: ["", "q"] -> ["1", "q"]. Equal names are
    numbered, ["text", "text"] -> ["text", "text 2"], where one is a usual name; else equal cells are data.
    """
    numbers = [str(number) for number in range(1, len(cells) + 1)]
    named = [cell.strip() for cell in cells if cell.strip()]
    if not all(_NAME.fullmatch(name) and not name.isdigit() for name in named):
        return numbers, False
    if len(set(named)) < len(named) and not any(name.lower() in _COLUMN_WORDS for name in named):
        return numbers, False
    seen: Counter[str] = Counter()
    names = []
    for number, cell in zip(numbers, map(str.strip, cells), strict=True):
        seen[cell] += 1
        names.append(number if not cell else cell if seen[cell] == 1 else f"{cell} {seen[cell]}")
    return (names, True) if len(set(names)) == len(names) else (numbers, False)


def _closes_quotes(path: Path) -> bool:
    """Whether every cell of a TSV that begins with a quote is a whole quoted cell; a pass over the file."""
    with open_bytes(path) as stream:
        return all(
            _QUOTED.fullmatch(cell)
            for line in lines_of(stream, LONGEST)
            if b'"' in line
            for cell in line.rstrip(b"\r\n").split(b"\t")
            if cell.startswith(b'"')
        )


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
