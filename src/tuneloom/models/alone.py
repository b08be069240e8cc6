"""Asks worked off one row at a time by transformers' own forward pass and generation: slow, and right for every causal
architecture, those too whose layers are no attention, whose scores or logits are capped or scaled (LFM2, Gemma 2,
Granite). Attention is "eager", the one that every model's authors wrote; sdpa leaves capped scores out in silence.
"""

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from tuneloom.models.attention import attention_of, plain_model
from tuneloom.models.spots import Asked, Reply, Spot, score
from tuneloom.models.token_row import TokenRow


@torch.no_grad()
def in_turn(model: Any, asks: Sequence[Asked], most: int, stops: set[int]) -> Iterator[int]:
    """Works; how many asks are done so far. Raises TrainingError for a likelihood that is not a number."""
    inner = plain_model(model)
    with attention_of(model, "eager"):
        for done, (ask, reply) in enumerate(asks, 1):
            _add(inner, ask.prompt, 1, reply, None)
            for number, answer in enumerate(ask.answers):
                _add(inner, ask.whole(answer), len(ask.prompt), reply, number)
            if ask.said and most:
                reply.ids = _answer(inner, ask.prompt.ids.tolist(), most, stops)
            yield done


def _add(model: Any, row: TokenRow, start: int, reply: Reply, answer: int | None) -> None:
    """Adds the log-likelihood of the scored tokens from place `start` of a row on to its reply."""
    places = [place for place in np.flatnonzero(row.loss_mask).tolist() if place >= start]
    if places:
        first = places[0] - 1
        logits = _logits(model, row.ids.tolist(), first)
        score(logits, _as_it_is, [Spot(p - 1 - first, int(row.ids[p]), reply, answer, row.id) for p in places])


def _logits(model: Any, ids: list[int], first: int) -> torch.Tensor:
    """Logits (n - first, V) of a row from place `first` on."""
    kept = len(ids) - first
    spare = {"logits_to_keep": kept} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    return model(input_ids=torch.tensor([ids], device=model.device), use_cache=False, **spare).logits[0, -kept:]


def _as_it_is(logits: torch.Tensor) -> torch.Tensor:
    return logits


def _answer(model: Any, ids: list[int], most: int, stops: set[int]) -> list[int]:
    """The greedy answer to one prompt without the stop that ended it."""
    prompt = torch.tensor([ids], device=model.device)
    with _own_settings(model, most, stops):
        found = model.generate(prompt, attention_mask=torch.ones_like(prompt))[0, len(ids) :].tolist()
    return found[:-1] if found and found[-1] in stops else found


@contextlib.contextmanager
def _own_settings(model: Any, most: int, stops: set[int]) -> Iterator[None]:
    """Greedy generation; what the model's own settings say would leak even into settings that are passed."""
    from transformers import GenerationConfig

    ends = sorted(stops) or None
    before = model.generation_config
    model.generation_config = GenerationConfig(
        max_new_tokens=most, do_sample=False, eos_token_id=ends, pad_token_id=ends[0] if ends else 0
    )
    try:
        yield
    finally:
        model.generation_config = before
