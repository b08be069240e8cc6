"""Which reader a file needs, by its content; the ending breaks ties only (JSONL under `.json` is common)."""

import io
import json
import re
from pathlib import Path
from typing import cast

from tuneloom.ingest.readers.encodings import BOM
from tuneloom.ingest.readers.filetypes import by_content, by_name
from tuneloom.ingest.readers.line import LONGEST, NotData, UnreadableFile
from tuneloom.ingest.readers.opening import FAULTS, ending, open_bytes
from tuneloom.text.personal_data import mask_json

_HEAD = 64 << 10
_COLUMNAR = (b"PAR1", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")
_DOCUMENT_OPENERS = (b"[", b"{", b"[{")
_LINE_ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
_TABLE_ENDINGS = (".csv", ".tsv", ".tab")
_QUOTED = re.compile(rb'"[^"]*"')


def sniff(path: Path) -> str | None:
    """`jsonl`, `json_document`, `delimited` or `columnar`; None for a file that holds nothing but blanks.

    b'{"a": 1}\\n{"a": 2}\\n' -> "jsonl" under any name. Raises NotData for what is plainly something else, and
    UnreadableFile for text that is neither JSON nor a table.
    """
    head, whole = _head(path)
    if head.startswith(_COLUMNAR):
        return "columnar"
    if what := by_content(head, path.name):
        raise NotData(what)
    if not head.removeprefix(BOM).strip():
        return None if whole else "jsonl"  # blanks as far as one looks: the rows, if any, come later
    lines = _complete_lines(head.removeprefix(BOM), whole)
    kind, sure = _of_text(lines, whole, ending(path))
    if not sure and (what := by_name(path.name)):
        raise NotData(what)
    if kind is None:
        begin = mask_json(lines[0].decode("utf-8", "backslashreplace"))[:60]
        raise UnreadableFile(f"neither JSON nor a table; it begins with {begin!r}")
    return kind


def _head(path: Path) -> tuple[bytes, bool]:
    """The first 64 KiB, more where an object's line is longer, and whether that is the whole file.

    A compressed file that is cut short within this has rows before the cut.
    """
    with open_bytes(path) as stream:
        head, ended = bytearray(), False
        try:
            while not ended and len(head) < (LONGEST if _is_in_an_object(head) else _HEAD):
                data = cast(io.BufferedReader, stream).read1(max(_HEAD, len(head)))
                head += data
                ended = not data
            return bytes(head), ended or not stream.read(1)
        except FAULTS:
            if not head:
                raise
            return bytes(head), False


def _is_in_an_object(head: bytearray) -> bool:
    """Whether the first line is an object so far: JSONL or a document, which its end tells. An array tells at once."""
    return head[:16].removeprefix(BOM).lstrip()[:1] == b"{" and b"\n" not in head


def _complete_lines(head: bytes, whole: bool) -> list[bytes]:
    pieces = head.lstrip().split(b"\n")
    if not whole and len(pieces) > 1:
        pieces.pop()
    return [line.strip() for line in pieces if line.strip()]


def _of_text(lines: list[bytes], whole: bool, suffix: str) -> tuple[str | None, bool]:
    """The kind, and whether the content alone is sure of it: by the first line, and the share of lines that are JSON
    alone, which tell JSONL from a document laid out in lines."""
    if lines[0] in _DOCUMENT_OPENERS:
        return "json_document", lines[0] != b"{"
    single = whole and len(lines) == 1
    if not single and _is_container(lines[0]):
        return "jsonl", True
    alone = [_is_container(line) for line in lines]
    if not single and sum(alone) * 2 >= len(alone):
        return "jsonl", True
    if lines[0].startswith(b"["):
        return "json_document", True
    if suffix in _LINE_ENDINGS:
        return "jsonl", True
    if lines[0].startswith(b"{"):
        return "json_document", False
    if suffix in _TABLE_ENDINGS:
        return "delimited", True
    if _looks_tabular(lines):
        return "delimited", False
    return "jsonl" if any(alone) else None, False


def _is_container(line: bytes) -> bool:
    if line[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _looks_tabular(lines: list[bytes]) -> bool:
    """Several lines with the same number, at least one, of tabs or commas, those in quotes not counted."""
    bare = [_QUOTED.sub(b"", line) for line in lines[:20]]
    for mark in (b"\t", b","):
        counts = {line.count(mark) for line in bare}
        if len(lines) > 1 and len(counts) == 1 and counts != {0}:
            return True
    return False
