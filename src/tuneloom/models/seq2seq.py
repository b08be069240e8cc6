"""Encoder-decoder models: a row's input and target, their loss, and greedy answers, in padded batches.

Rows cannot share a line here, for each target looks at its own input alone; padding is masked on both sides. The loss
is transformers' own, its mean made a sum.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tuneloom.models.attention import plain_model
from tuneloom.models.token_row import TokenRow

IGNORED = -100
"""The label that transformers leaves out of the loss."""


def reads_and_writes(model: Any) -> bool:
    """Whether the model is an encoder-decoder."""
    return bool(plain_model(model).config.is_encoder_decoder)


def input_and_target(row: TokenRow) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Encoder input int32 (p,) and labels int32 (t,): ids `[5 1 7 1]`, mask `[0 0 1 1]` -> `[5 1]` and `[7 1]`."""
    border = int(np.count_nonzero(row.loss_mask == 0))
    return row.ids[:border], row.ids[border:]


def summed_loss(model: Any, rows: Sequence[TokenRow]) -> tuple[Tensor, int]:
    """Summed loss in nats (float32 scalar with gradient) and the number of target tokens of the rows."""
    batch = _batch(rows, plain_model(model).device)
    count = int((batch["labels"] != IGNORED).sum())
    return plain_model(model)(**batch, use_cache=False).loss.float() * count, count


@torch.no_grad()
def target_losses(model: Any, rows: Sequence[TokenRow]) -> list[Tensor]:
    """Loss of each target token in nats, float32 (t,) a row."""
    batch = _batch(rows, plain_model(model).device)
    logits = plain_model(model)(**batch, use_cache=False).logits.float()  # (rows, t, V)
    losses = torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), batch["labels"], ignore_index=IGNORED, reduction="none"
    )
    return [loss[label != IGNORED] for loss, label in zip(losses, batch["labels"], strict=True)]


@torch.no_grad()
def answer_batch(model: Any, prompts: Sequence[list[int]], max_new_tokens: int, stops: set[int]) -> list[list[int]]:
    """Greedy answers to encoder inputs: ids without the stop id that ended them, at most `max_new_tokens`."""
    inner = plain_model(model)
    ids, mask = _padded([np.array(prompt) for prompt in prompts], 0, inner.device)
    encoded = inner.get_encoder()(input_ids=ids, attention_mask=mask)
    step = torch.full((len(prompts), 1), _start(inner), device=inner.device)
    answers: list[list[int]] = [[] for _ in prompts]
    going, cache = set(range(len(prompts))), None
    for _ in range(max_new_tokens):
        out = inner(
            encoder_outputs=encoded, attention_mask=mask, decoder_input_ids=step, past_key_values=cache, use_cache=True
        )
        step, cache = out.logits[:, -1:].argmax(2), out.past_key_values
        for row, token in enumerate(step[:, 0].tolist()):
            if row in going and token not in stops:
                answers[row].append(token)
            else:
                going.discard(row)
        if not going:
            break
    return answers


def _batch(rows: Sequence[TokenRow], device: Any) -> dict[str, Tensor]:
    """`input_ids`, `attention_mask` int64 (rows, p) and `labels` int64 (rows, t), padded on the right."""
    sides = [input_and_target(row) for row in rows]
    ids, mask = _padded([given for given, _ in sides], 0, device)  # any id pads: it is masked
    labels, _ = _padded([target for _, target in sides], IGNORED, device)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _padded(rows: Sequence[NDArray[np.int32]], fill: int, device: Any) -> tuple[Tensor, Tensor]:
    """Rows int (n,) -> int64 (rows, longest) and a mask of the same shape, 1 where a token is."""
    tensors = [torch.from_numpy(row.astype(np.int64)) for row in rows]
    ids = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=fill)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in tensors], batch_first=True)
    return ids.to(device), mask.to(device)


def _start(model: Any) -> int:
    """What a decoder begins with."""
    for config in (model.config, model.generation_config):
        if getattr(config, "decoder_start_token_id", None) is not None:
            return int(config.decoder_start_token_id)
    return int(model.config.pad_token_id)
