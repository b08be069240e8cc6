"""What every reader yields: a numbered row, parsed or faulty, with its bytes where the file type has any."""

from dataclasses import dataclass
from typing import Any

LONGEST = 64 << 20
"""Bytes of the longest row of a JSON array or of a table in text; what is longer is a fault."""

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


class UnreadableFile(Exception):
    """The file cannot be read (on); the message says why. The stage rejects what is left of it as one row."""


class NotData(UnreadableFile):
    """The file is whole, and plainly something else than rows: an image, an archive, a README."""
