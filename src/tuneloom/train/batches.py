"""Which packs make which optimiser step: a fixed list, known before the first step, a function of the seed alone.

A step is a list of the render stage's packs; micro-batches may cut it anywhere between rows and change nothing.
Because the whole order is known beforehand, a step's number is all that a resume needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuneloom.errors import NoUsableData
from tuneloom.models.loss import supervised_tokens
from tuneloom.models.packed import micro_batches
from tuneloom.models.token_row import TokenRow


@dataclass(frozen=True)
class Step:
    """The rows of one optimiser step, as places in the list of rows, and what they hold."""

    rows: tuple[int, ...]
    tokens: int
    supervised: int


def plan_steps(
    rows: Sequence[TokenRow],
    packs: Sequence[Sequence[int]],
    tokens_per_step: int,
    epochs: float,
    max_tokens: int | None,
    seed: int,
) -> list[Step]:
    """Shuffles the packs (lists of places in `rows`) anew in each epoch and cuts the order into steps of about
    `tokens_per_step` tokens.

    Four packs of 5 tokens, tokens_per_step 10, one epoch -> two steps of two packs. A step ends with the pack that
    fills it; a last step of less than half joins the one before. Stops before the pack that would pass `max_tokens`.
    Raises NoUsableData where no row is given, or one has nothing to learn.
    """
    _check(rows, packs)
    sizes = np.array([sum(len(rows[place]) for place in pack) for pack in packs])
    steps: list[list[int]] = [[]]
    filled = 0
    for number in _order(sizes, epochs, max_tokens, seed):
        if filled >= tokens_per_step:
            steps.append([])
            filled = 0
        steps[-1].append(number)
        filled += int(sizes[number])
    if len(steps) > 1 and filled < tokens_per_step / 2:
        rest = steps.pop()
        steps[-1] += rest
    return [_step(rows, [place for number in numbers for place in packs[number]]) for numbers in steps]


def shares(rows: Sequence[TokenRow], ranks: int, budget: int) -> list[list[list[TokenRow]]]:
    """Micro-batches of at most `budget` tokens for each of `ranks` processes, of the rows of one step. Every rank gets
    as many, empty ones where it has too few rows, for they must go in step.

    Rows of [300, 200, 400, 900] tokens, 2 ranks, a budget of 600 -> of [[[900], []], [[300, 200], [400]]].
    """
    mine: list[list[int]] = [[] for _ in range(ranks)]
    tokens = [0] * ranks
    for place in sorted(range(len(rows)), key=lambda place: -len(rows[place])):  # the longest first, to the least laden
        rank = tokens.index(min(tokens))
        mine[rank].append(place)
        tokens[rank] += len(rows[place])
    parts = [list(micro_batches([rows[place] for place in sorted(places)], budget)) for places in mine]
    most = max(map(len, parts))
    return [[*part, *([] for _ in range(most - len(part)))] for part in parts]


def _order(sizes: np.ndarray, epochs: float, max_tokens: int | None, seed: int) -> list[int]:
    """Packs of `sizes` int64 (packs,) tokens in the order of training: whole epochs, then a part of one; at least
    one pack."""
    count = max(1, round(epochs * len(sizes)))
    permutations = [
        np.random.default_rng([seed, epoch]).permutation(len(sizes)) for epoch in range(-(-count // len(sizes)))
    ]
    order = np.concatenate(permutations)[:count]
    if max_tokens is not None:
        order = order[: max(1, int(np.searchsorted(np.cumsum(sizes[order]), max_tokens, side="right")))]
    return [int(number) for number in order]


def _step(rows: Sequence[TokenRow], places: Sequence[int]) -> Step:
    return Step(
        tuple(places),
        sum(len(rows[place]) for place in places),
        sum(supervised_tokens(rows[place]) for place in places),
    )


def _check(rows: Sequence[TokenRow], packs: Sequence[Sequence[int]]) -> None:
    places = sorted({place for pack in packs for place in pack})
    if not places:
        raise NoUsableData("there is no row to train on", where="train", remedy="See what the earlier stages rejected.")
    empty = [rows[place].id for place in places if supervised_tokens(rows[place]) == 0]
    if empty:
        raise NoUsableData(
            f"{len(empty)} rows have no token to learn from",
            where=f"row {empty[0]}",
            remedy="Its loss mask is 0 everywhere; check the template in the section `render`.",
        )
