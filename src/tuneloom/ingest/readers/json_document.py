"""A JSON document: an array of rows, one object of columns, or one object that is a row (a Super-NI task file)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuneloom.ingest.readers.decoding import DECODER, check, fault
from tuneloom.ingest.readers.line import Line, ReadFault
from tuneloom.ingest.readers.opening import open_bytes

_BLANKS = re.compile(r"[ \t\r\n]*")


def read(path: Path) -> Iterator[Line]:
    """b'[{"a": 1}, {"a": 2}]' and b'{"a": [1, 2]}' -> Line(1, ..., {"a": 1}), Line(2, ..., {"a": 2})."""
    with open_bytes(path) as stream:
        text = stream.read().decode("utf-8-sig")
    start = _skip(text, 0)
    if text[start] == "[":
        yield from _array(text, start + 1)
    else:
        yield from _object(text, start)


def _array(text: str, position: int) -> Iterator[Line]:
    """The elements one by one. After a broken one there is no telling rows apart: the rest is one faulty row."""
    number, position = 1, _skip(text, position)
    if text[position : position + 1] == "]":
        yield from _tail(text, position + 1, number)
        return
    while True:
        try:
            value, end = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            yield _rest(text, position, number, fault(error))
            return
        raw = text[position:end].encode("utf-8")
        yield Line(number, raw, check(value, raw))
        number, position = number + 1, _skip(text, end)
        mark = text[position : position + 1]
        if mark == "]":
            yield from _tail(text, position + 1, number)
            return
        if mark != ",":
            yield _rest(text, position, number, ReadFault("unreadable row", "neither a comma nor the array's end"))
            return
        position = _skip(text, position + 1)


def _object(text: str, position: int) -> Iterator[Line]:
    try:
        value, end = DECODER.raw_decode(text, position)
    except (ValueError, RecursionError) as error:
        yield _rest(text, position, 1, fault(error))
        return
    raw = text[position:end].encode("utf-8")
    value, number = check(value, raw), 0
    if _is_columns(value):
        for number, cells in enumerate(zip(*value.values(), strict=True), 1):
            yield Line(number, None, dict(zip(value, cells, strict=True)))
    else:
        number = 1
        yield Line(number, raw, value)
    yield from _tail(text, end, number + 1)


def _is_columns(value: Any) -> bool:
    """Lists of one length, and not all of them lists of objects: `{"messages": [{...}, {...}]}` is a row."""
    if not isinstance(value, dict) or not value or not all(isinstance(column, list) for column in value.values()):
        return False
    columns = list(value.values())
    return len({len(column) for column in columns}) == 1 and any(
        not isinstance(cell, dict) for column in columns for cell in column[:1]
    )


def _tail(text: str, position: int, number: int) -> Iterator[Line]:
    position = _skip(text, position)
    if position < len(text):
        yield _rest(text, position, number, ReadFault("unreadable row", "text after the end of the document"))


def _rest(text: str, position: int, number: int, why: ReadFault) -> Line:
    left = text[position:].encode("utf-8")
    evidence = f"{why.evidence}; this and the {len(left)} bytes from here to the file's end are one row"
    return Line(number, left, ReadFault(why.reason, evidence))


def _skip(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return blanks.end() if blanks else position
