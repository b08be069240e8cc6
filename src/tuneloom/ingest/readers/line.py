"""What every reader yields: a numbered row, parsed or faulty, with its bytes where the file type has any."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

LONGEST = 64 << 20
"""Bytes of the longest row of a file of text; what is longer is a fault."""

SHOWN = 1 << 20
"""Bytes kept of a row that is longer than LONGEST."""


@dataclass(frozen=True)
class ReadFault:
    """Why a row could not be parsed: a stable short `reason`, and the `evidence` for a person."""

    reason: str
    evidence: str


@dataclass(frozen=True)
class Line:
    """One source row: `number` from 1 (the line, where the file has lines), `raw` its bytes, `value` what it says."""

    number: int
    raw: bytes | None
    value: Any


def lines_of(stream: BinaryIO, longest: int = LONGEST) -> Iterator[bytes]:
    """A stream's lines, without the byte order mark; of one that is too long the first `longest` + 1 bytes."""
    first = True
    while line := stream.readline(longest + 1):
        end, asked = line, longest + 1
        while len(end) == asked and not end.endswith(b"\n"):
            end, asked = stream.readline(SHOWN), SHOWN
        yield line.removeprefix(codecs.BOM_UTF8) if first else line
        first = False


class UnreadableFile(Exception):
    """The file cannot be read (on); the message says why. The stage rejects what is left of it as one row."""


class NotData(UnreadableFile):
    """The file is whole, and plainly something else than rows: an image, an archive, a README."""
