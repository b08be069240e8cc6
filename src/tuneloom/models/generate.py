"""Greedy answers to many prompts at once, each the one it would get alone.

Prompts are sorted by length and padded on the left; rows that are finished leave the batch. The loop is our own: a
model's generation_config (repetition penalty, temperature) leaks into `generate()` even with do_sample=False.
"""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from tuneloom.errors import ConfigError
from tuneloom.models.attention import attention_of, plain_model
from tuneloom.models.seq2seq import answer_batch, reads_and_writes


@torch.no_grad()
def generate_greedy(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    batch_size: int = 32,
    stop_ids: Iterable[int] | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> list[list[int]]:
    """New token ids for each prompt, in the prompts' order, without the stop id that ended them.

    An answer of exactly `max_new_tokens` ids was cut, a shorter one stopped. `stop_ids` are the tokenizer's end
    tokens by default; `on_batch` hears how many prompts are answered.
    """
    for number, prompt in enumerate(prompts):
        if not len(prompt):
            raise ConfigError("a prompt has no tokens", where=f"prompt {number}", remedy="Give at least one token.")
    stops = set(stop_ids) if stop_ids is not None else default_stop_ids(model, tokenizer)
    order = sorted(range(len(prompts)), key=lambda number: (-len(prompts[number]), number))  # longest first
    answers: list[list[int]] = [[] for _ in prompts]
    was_training = model.training
    model.eval()
    try:
        with contextlib.nullcontext() if reads_and_writes(model) else attention_of(model, "sdpa"):
            for start in range(0, len(order), batch_size):
                numbers = order[start : start + batch_size]
                found = _answer_batch(model, [list(prompts[n]) for n in numbers], max_new_tokens, stops)
                for number, answer in zip(numbers, found, strict=True):
                    answers[number] = answer
                if on_batch:
                    on_batch(start + len(numbers))
    finally:
        model.train(was_training)
    return answers


def default_stop_ids(model: Any, tokenizer: Any) -> set[int]:
    """The end tokens of the tokenizer and of the model's generation config."""
    config = getattr(plain_model(model), "generation_config", None)
    listed = getattr(config, "eos_token_id", None)
    more = listed if isinstance(listed, list) else [listed]
    return {int(stop) for stop in [tokenizer.eos_token_id, *more] if stop is not None}


def _answer_batch(model: Any, prompts: list[list[int]], max_new_tokens: int, stops: set[int]) -> list[list[int]]:
    """Greedy decoding of one batch; ids are int64 (rows, tokens), the mask of real tokens bool of the same shape."""
    from transformers import DynamicCache

    if reads_and_writes(model):
        return answer_batch(model, prompts, max_new_tokens, stops)
    inner = plain_model(model)
    head = inner.get_output_embeddings()
    answers: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))  # which prompt each row of the batch is
    width = max(map(len, prompts))
    step = torch.tensor([[0] * (width - len(p)) + p for p in prompts], device=inner.device)  # any id pads: it is masked
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=inner.device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache(config=inner.config)
    for _ in range(max_new_tokens):
        out = inner.base_model(
            input_ids=step, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        )
        chosen = head(out.last_hidden_state[:, -1]).argmax(1)
        going = [place for place, token in enumerate(chosen.tolist()) if token not in stops]
        for place in going:
            answers[rows[place]].append(int(chosen[place]))
        if not going:
            break
        if len(going) < len(rows):
            keep = torch.tensor(going, device=inner.device)
            cache.batch_select_indices(keep)
            rows, mask, chosen, positions = [rows[p] for p in going], mask[keep], chosen[keep], positions[keep]
        step, positions = chosen[:, None], positions[:, -1:] + 1
        mask = torch.cat([mask, torch.ones_like(step)], 1)
    return answers
