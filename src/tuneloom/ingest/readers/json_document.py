"""A JSON document: an array of rows, one object of columns, or objects that are rows (a Super-NI task file is one).

An array is read in a window that is moved over it: 1 MiB, or one row where that is longer, up to LONGEST. An object
of columns has to be in memory whole, as its first row ends with its last column: up to 128 MiB.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuneloom.ingest.readers.decoding import DECODER, check, fault
from tuneloom.ingest.readers.encodings import not_utf8
from tuneloom.ingest.readers.line import LONGEST, Line, ReadFault
from tuneloom.ingest.readers.opening import open_bytes
from tuneloom.ingest.readers.window import Window

_LONGEST_WORD = len("-Infinity")
_LONGEST_CUT = len("e+")  # of a number, whose digits before that are a number too
_LONGEST_LETTER = 4
_LONGEST_OBJECT = 2 * LONGEST


def read(path: Path) -> Iterator[Line]:
    """b'[{"a": 1}, {"a": 2}]' and b'{"a": [1, 2]}' -> Line(1, ..., {"a": 1}), Line(2, ..., {"a": 2})."""
    with open_bytes(path) as stream:
        window = Window(stream)
        window.skip_blanks(0)
        if window.letter(0) == "[":
            yield from _array(window)
        else:
            yield from _objects(window)
        window.finish()


def _array(window: Window) -> Iterator[Line]:
    """The elements one by one. One that does not parse costs only itself where its brackets close and a comma or the
    array's end follows; else there is no telling rows apart, and the rest is one faulty row."""
    number = 1
    window.skip_blanks(1)
    if window.letter(0) == "]":
        yield from _tail(window, 1, number)
        return
    while True:
        value, end = _value(window)
        size = window.end_of_element() if end is None else end
        if size is None:
            yield _rest(window, number, value)
            return
        line = _line(window, number, size, value)
        if not window.pass_comma(size):
            break
        yield line
        number += 1
    is_last = window.letter(window.after_blanks(size)) == "]"
    if end is None and not is_last:
        yield _rest(window, number, value)
        return
    yield line
    window.skip_blanks(size)
    if is_last:
        yield from _tail(window, 1, number + 1)
    else:
        yield _rest(window, number + 1, ReadFault("unreadable row", "neither a comma nor the array's end"))


def _objects(window: Window) -> Iterator[Line]:
    """One object of columns, or objects one after another, as `jq` writes them: each a row."""
    number = 1
    while True:
        value, end = _value(window, _LONGEST_OBJECT)
        if end is None:
            yield _rest(window, number, value)
            return
        line = _line(window, number, end, value)
        rows = _of_columns(line.value) if number == 1 else None
        if rows is None:
            yield line
            number += 1
        else:
            yield from (Line(number, None, row) for number, row in enumerate(rows, 1))
            number += len(rows)
        window.skip_blanks(end)
        if window.letter(0) != "{":
            yield from _tail(window, 0, number)
            return


def _value(window: Window, longest: int = LONGEST) -> tuple[Any, int | None]:
    """The value that begins here and the offset of its end, or a ReadFault and None."""
    while True:
        try:
            value, end = DECODER.raw_decode(window.text, window.position)
        except (ValueError, RecursionError) as error:
            if not _may_be_cut(error, window):
                return _fault(error, window), None
            if window.full(longest):
                return ReadFault("row too long", f"longer than {longest >> 20} MiB, or its quotes do not close"), None
            if not window.grow():
                return _fault(error, window), None
        else:
            if end + _LONGEST_CUT < len(window.text) or not window.grow():
                return value, end - window.position


def _may_be_cut(error: Exception, window: Window) -> bool:
    """Whether the error may come from the window's end and not from the row: at its last letters, or an open quote."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos + _LONGEST_WORD >= len(window.text)


def _fault(error: Exception, window: Window) -> ReadFault:
    """The reason for a parser's error, its place counted from the row's first letter."""
    if isinstance(error, json.JSONDecodeError):
        until = window.text[window.position : error.pos]
        error = json.JSONDecodeError(error.msg, until, len(until))
    return fault(error)


def _line(window: Window, number: int, end: int, value: Any) -> Line:
    text = window.ahead(end)
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape")
        return Line(number, raw, not_utf8(raw))
    return Line(number, raw, value if isinstance(value, ReadFault) else check(value, raw))


def _of_columns(value: Any) -> list[dict[str, Any]] | None:
    """The rows of an object of columns, None for an object that is a row.

    Columns are lists of one length, or (pandas) objects with the same keys, which count; and not all of them lists
    of objects: `{"messages": [{...}, {...}]}` is a row.
    """
    if not isinstance(value, dict) or not value:
        return None
    columns = list(value.values())
    if all(isinstance(column, dict) for column in columns):
        names = list(columns[0])
        if not names or not all(name.isdecimal() for name in names) or any(list(c) != names for c in columns):
            return None
        columns = [list(column.values()) for column in columns]
    else:
        lists = all(isinstance(column, list) for column in columns) and len({len(column) for column in columns}) == 1
        if not lists or all(isinstance(cell, dict) for column in columns for cell in column[:1]):
            return None
    return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _tail(window: Window, offset: int, number: int) -> Iterator[Line]:
    window.skip_blanks(offset)
    if window.letter(0):
        yield _rest(window, number, ReadFault("unreadable row", "text after the end of the document"))


def _rest(window: Window, number: int, why: ReadFault) -> Line:
    left, size = window.rest()
    why = _encoding_fault(left) or why
    kept = "" if len(left) == size else f", of which the first {len(left)} are kept"
    evidence = f"{why.evidence}; this and the {size} bytes from here to the file's end are one row{kept}"
    return Line(number, left, ReadFault(why.reason, evidence))


def _encoding_fault(left: bytes) -> ReadFault | None:
    """What is wrong with the encoding: where it is another, brackets and quotes may be halves of letters."""
    try:
        left.decode("utf-8")
    except UnicodeDecodeError as error:
        return not_utf8(left) if error.start < len(left) - _LONGEST_LETTER else None
    return None
