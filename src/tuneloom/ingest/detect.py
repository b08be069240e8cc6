"""Which format a file's rows are in: the one that claims most rows of a sample and, of those, knows most keys."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.errors import ConfigError
from tuneloom.ingest.formats import formats
from tuneloom.ingest.row import Rejected

SAMPLE = 64
"""Rows looked at."""


@dataclass(frozen=True)
class Detection:
    """A format's name, and the share of the sampled rows that it claims (None where the config names the format)."""

    format: str
    confidence: float | None


def detect(rows: Sequence[Mapping[str, Any]], plugins: tuple[Path, ...] = ()) -> Detection | None:
    """[{"question": "How many?", "answer": "3"}] -> Detection("question_answer", 1.0); None where nobody claims one."""
    sample = rows[:SAMPLE]
    best, score = None, (0, 0)
    for name, candidate in formats(plugins).items():
        claims = [candidate.claims(row) for row in sample]
        if (sum(map(bool, claims)), sum(claims)) > score:
            best, score = name, (sum(map(bool, claims)), sum(claims))
    return Detection(best, round(score[0] / len(sample), 4)) if best else None


def named(format: str, source: str, plugins: tuple[Path, ...] = ()) -> Detection:
    """The format that the config names. Raises ConfigError with the one that was probably meant."""
    known = formats(plugins)
    if format not in known:
        close = difflib.get_close_matches(format, known, n=1, cutoff=0.5)
        raise ConfigError(
            f"source {source!r} names the unknown format {format!r}",
            where=f"sources: {source}: format",
            remedy=f"{f'Did you mean {close[0]!r}? ' if close else ''}Known: auto, {', '.join(known)}.",
        )
    return Detection(format, None)


def unclaimed(row: Mapping[str, Any]) -> Rejected:
    """The rejection of a row whose format nobody knows: it names what can be done, and the row's keys."""
    evidence = f"map them with `columns`, or add a plugin; keys: {', '.join(list(row)[:20]) or 'none'}"
    return Rejected("unknown format", "", None, evidence)
