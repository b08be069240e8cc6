"""What every reader yields: a numbered row, parsed or faulty, with its bytes where the file type has any."""

from dataclasses import dataclass
from typing import Any


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
