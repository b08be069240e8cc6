"""Which rows a person should look at: those that lie near a bound, those an earlier stage asks about, and a sample.

The sample is drawn by a hash of seed and id: a share stays the same share of rows over every refresh, and rows that
were decided count as drawn, so that a sample of 50 is done after 50 decisions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

SAMPLE = "sample"
"""The rule of a row that was drawn at random."""


@dataclass(frozen=True)
class Doubt:
    """Why a row is held: a rule, and where it has them the row's value and the bound that it is near to."""

    id: str
    rule: str
    value: float | None = None
    bound: float | None = None


def sampled(ids: Iterable[str], sample: float, seed: int) -> list[Doubt]:
    """The rows drawn: a share of them where `sample` is below 1, else that many, whatever their order.

    `sampled(["a", "b", "c"], 2, 0)` -> doubts about two of them.
    """
    draws = {id: _draw(id, seed) for id in ids}
    if sample < 1:
        return [Doubt(id, SAMPLE) for id in sorted(draws) if draws[id] < sample * 2**64]
    first = sorted(draws, key=lambda id: (draws[id], id))[: int(sample)]
    return [Doubt(id, SAMPLE) for id in sorted(first)]


def undecided(doubts: Iterable[Doubt], decided: Mapping[str, Iterable[str]]) -> dict[str, list[Doubt]]:
    """Doubts by id, without those whose rule a person has decided for that row (`decided`: id -> rules)."""
    left: dict[str, list[Doubt]] = {}
    for doubt in doubts:
        if doubt.rule not in decided.get(doubt.id, ()):
            left.setdefault(doubt.id, []).append(doubt)
    return left


def _draw(id: str, seed: int) -> int:
    return int.from_bytes(blake2b(f"review:{seed}:{id}".encode(), digest_size=8).digest(), "big")
