"""A prompt to read, answers to score after it, and where in a line of tokens what is scored is predicted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuneloom.errors import TrainingError
from tuneloom.models.token_row import TokenRow

CHUNK = 512
"""Places whose logits exist at one time."""


@dataclass(frozen=True, eq=False)
class Ask:
    """`prompt` and the `answers` that continue it, each ids and which of them are scored; `said` where the model is to
    answer itself."""

    prompt: TokenRow
    answers: tuple[TokenRow, ...] = ()
    said: bool = False

    def needs(self, most: int) -> int:
        """Tokens of the slot that it takes."""
        return len(self.prompt) + max([most if self.said else 0, *map(len, self.answers)])

    def whole(self, answer: TokenRow) -> TokenRow:
        """The prompt and an answer in one row."""
        ids, masks = (self.prompt.ids, answer.ids), (self.prompt.loss_mask, answer.loss_mask)
        return TokenRow(answer.id, np.concatenate(ids), np.concatenate(masks))


@dataclass
class Reply:
    """Log-likelihoods in nats, of the prompt's scored tokens and of each answer's; the model's own tokens, without the
    stop that ended them."""

    prompt_sum: float = 0.0
    sums: list[float] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)


Asked = tuple[Ask, Reply]


def split_row(row: TokenRow, length: int) -> tuple[TokenRow, TokenRow]:
    """A row's first `length` tokens as a prompt, and the rest as an answer to it."""
    head, tail = slice(0, length), slice(length, len(row))
    return TokenRow(row.id, row.ids[head], row.loss_mask[head]), TokenRow(row.id, row.ids[tail], row.loss_mask[tail])


@dataclass(frozen=True)
class Spot:
    """A place in the line that predicts `token`, which counts for an answer (its number) or the prompt (None)."""

    place: int
    token: int
    reply: Reply
    answer: int | None
    row: str


def spots_of(ask: Ask, reply: Reply, start: int, shared: int) -> list[Spot]:
    """Where the tokens of an ask that are scored are predicted, its runs beginning at `start` of the line.

    Prompt `[5 7 9]`, answer `[4 2]` with mask `[1 1]`: 4 is predicted at 9, place 2, and 2 at 4, place 3.
    """
    name = ask.prompt.id
    end = start + len(ask.prompt) - shared
    spots = [
        Spot(start + place - 1 - shared, int(ask.prompt.ids[place]), reply, None, name)
        for place in np.flatnonzero(ask.prompt.loss_mask).tolist()
        if place  # nothing predicts the first token
    ]
    at = end
    for number, answer in enumerate(ask.answers):
        for place in np.flatnonzero(answer.loss_mask).tolist():
            spots.append(Spot(at + place - 1 if place else end - 1, int(answer.ids[place]), reply, number, answer.id))
        at += max(0, len(answer) - 1)
    return spots


def score(hidden: Tensor, head: Any, spots: Sequence[Spot]) -> None:
    """Adds the log-likelihood of every spot's token; hidden (T, d) float. A prompt's end is computed once for all its
    answers, `CHUNK` places at a time."""
    places, which = torch.unique(torch.tensor([spot.place for spot in spots]), return_inverse=True)
    targets = torch.tensor([spot.token for spot in spots])
    values = torch.empty(len(spots), dtype=torch.float64)
    for start in range(0, len(places), CHUNK):
        inside = ((which >= start) & (which < start + CHUNK)).nonzero()[:, 0]
        logits = head(hidden[places[start : start + CHUNK].to(hidden.device)]).float()
        rows, tokens = (which[inside] - start).to(logits.device), targets[inside].to(logits.device)
        values[inside] = (logits[rows, tokens] - logits.logsumexp(1)[rows]).double().cpu()
    for spot, value in zip(spots, values.tolist(), strict=True):
        if not np.isfinite(value):
            raise TrainingError(
                f"the log-likelihood of a token is {value}",
                where=f"row {spot.row}",
                remedy="The model's weights are broken.",
            )
        if spot.answer is None:
            spot.reply.prompt_sum += value
        else:
            spot.reply.sums[spot.answer] += value
