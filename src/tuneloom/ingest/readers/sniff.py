"""Which reader a file needs, by its content; the ending breaks ties only (JSONL under `.json` is common)."""

import json
from pathlib import Path

from tuneloom.ingest.readers.line import UnreadableFile
from tuneloom.ingest.readers.opening import ending, open_bytes
from tuneloom.text.personal_data import mask_json

_HEAD = 64 << 10
_COLUMNAR = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")
_DOCUMENT_OPENERS = (b"[", b"{", b"[{")
_LINE_ENDINGS = (".jsonl", ".ndjson", ".jsonlines")
_TABLE_ENDINGS = (".csv", ".tsv", ".tab")
BOM = b"\xef\xbb\xbf"


def sniff(path: Path) -> str | None:
    """`jsonl`, `json_document`, `delimited` or `columnar`; None for a file that holds nothing but blanks.

    b'{"a": 1}\\n{"a": 2}\\n' -> "jsonl" under any name. Raises UnreadableFile for a type nobody reads.
    """
    head, whole = _head(path)
    if head.startswith(_COLUMNAR):
        return "columnar"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile("encoded as UTF-16; save it as UTF-8")
    lines = _complete_lines(head.removeprefix(BOM), whole)
    if not lines:
        return None
    kind = _of_text(lines, whole, ending(path))
    if kind is None:
        begin = mask_json(lines[0].decode("utf-8", "backslashreplace"))[:60]
        raise UnreadableFile(f"neither JSON nor a table; it begins with {begin!r}")
    return kind


def _head(path: Path) -> tuple[bytes, bool]:
    """The first 64 KiB, with the first line in full, and whether that is the whole file."""
    with open_bytes(path) as stream:
        head = stream.read(_HEAD)
        if head.strip(b"\r\n") == b"" or b"\n" not in head.lstrip():
            head += stream.readline()
        return head, not stream.read(1)


def _complete_lines(head: bytes, whole: bool) -> list[bytes]:
    pieces = head.split(b"\n")
    if not whole and len(pieces) > 1:
        pieces.pop()
    return [line.strip() for line in pieces if line.strip()]


def _of_text(lines: list[bytes], whole: bool, suffix: str) -> str | None:
    """The first line, and the share of lines that are JSON alone, tell JSONL from a document laid out in lines."""
    if lines[0] in _DOCUMENT_OPENERS:
        return "json_document"
    alone = [_is_container(line) for line in lines]
    single = whole and len(lines) == 1
    if (alone[0] or sum(alone) * 2 >= len(alone)) and not single:
        return "jsonl"
    if lines[0].startswith(b"["):
        return "json_document"
    if suffix in _LINE_ENDINGS:
        return "jsonl"
    if lines[0].startswith(b"{"):
        return "json_document"
    if suffix in _TABLE_ENDINGS or _looks_tabular(lines):
        return "delimited"
    return "jsonl" if any(alone) else None


def _is_container(line: bytes) -> bool:
    if line[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _looks_tabular(lines: list[bytes]) -> bool:
    """Several lines with the same number, at least one, of tabs or commas."""
    for mark in (b"\t", b","):
        counts = {line.count(mark) for line in lines[:20]}
        if len(lines) > 1 and len(counts) == 1 and counts != {0}:
            return True
    return False
