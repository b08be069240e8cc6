"""What becomes of rows: tokens, or a reason why not; of one row, and of many as arrays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuneloom.models.token_row import TokenRow, TokenRows
from tuneloom.records import canonical
from tuneloom.render.chat_template import Unrenderable
from tuneloom.render.sheet import Unproven


@dataclass(frozen=True)
class Rendered:
    """Tokens of a row, or of a part of it; `trimmed` messages lost their outer white space, `dropped` ones are gone."""

    row: TokenRow
    trimmed: int = 0
    dropped: int = 0
    template: str | None = None
    exemplars: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """Why a row, or a part of it, has no tokens."""

    reason: str
    detail: Mapping[str, Any]


Outcome = Rendered | Refused


@dataclass(frozen=True)
class Composed:
    """What became of a slice of rows: row k of `rows` was made of the slice's row `places[k]`, int64 (k,), in order.

    `trimmed` and `dropped` int64 (k,), `templates` and `exemplars` are what `Rendered` says of each; `refused` names
    the slice's rows that have no tokens, in order.
    """

    rows: TokenRows
    places: NDArray[np.int64]
    trimmed: NDArray[np.int64]
    dropped: NDArray[np.int64]
    templates: Sequence[str | None]
    exemplars: Sequence[tuple[str, ...]]
    refused: Sequence[tuple[int, Refused]]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many outcomes the slice's rows have, as far as the last that has any: int64 (rows,)."""
        return np.bincount(np.concatenate([self.places, np.array([place for place, _ in self.refused], np.int64)]))


def composed(outcomes: Sequence[Sequence[Outcome]], places: NDArray[np.int64]) -> Composed:
    """Outcomes of rows that lie at `places` int64 (rows,) of their slice."""
    told = list(_placed(outcomes, places))
    made = [(place, one) for place, one in told if isinstance(one, Rendered)]
    return Composed(
        rows=TokenRows.of([one.row for _, one in made]),
        places=np.array([place for place, _ in made], np.int64),
        trimmed=np.array([one.trimmed for _, one in made], np.int64),
        dropped=np.array([one.dropped for _, one in made], np.int64),
        templates=[one.template for _, one in made],
        exemplars=[one.exemplars for _, one in made],
        refused=[(place, one) for place, one in told if isinstance(one, Refused)],
    )


def joined(one: Composed, other: Composed) -> Composed:
    """Both, in the order of their slice."""
    places = np.concatenate([one.places, other.places])
    order = np.argsort(places, kind="stable")
    templates, exemplars = [*one.templates, *other.templates], [*one.exemplars, *other.exemplars]
    return Composed(
        rows=one.rows.joined(other.rows).take(order),
        places=places[order],
        trimmed=np.concatenate([one.trimmed, other.trimmed])[order],
        dropped=np.concatenate([one.dropped, other.dropped])[order],
        templates=[templates[i] for i in order.tolist()],
        exemplars=[exemplars[i] for i in order.tolist()],
        refused=sorted([*one.refused, *other.refused], key=lambda found: found[0]),
    )


def refusal(why: Unproven | Unrenderable) -> Refused:
    """The reason and detail of a row that has no proven mask."""
    if isinstance(why, Unrenderable):
        reason = {"no end of turn": "loss mask not proven"}.get(why.reason, why.reason)
        return Refused(reason, {"rule": why.reason, "evidence": why.evidence})
    return Refused("loss mask not proven", {"evidence": canonical({"expected": why.expected, "found": why.found})})


def _placed(outcomes: Sequence[Sequence[Outcome]], places: NDArray[np.int64]) -> Iterator[tuple[int, Outcome]]:
    for several, place in zip(outcomes, places.tolist(), strict=True):
        for one in several:
            yield place, one
