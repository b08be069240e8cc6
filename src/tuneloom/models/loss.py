"""Cross-entropy of the supervised tokens only, in chunks, with its gradients made in the forward pass.

With a vocabulary of 49,000 most of the memory and a fifth of the work of fine-tuning a small model is the head;
no N x V matrix of logits is held, and prompts cost nothing. The head gets its gradient when it trains (with tied
embeddings torch adds it to theirs). The method is the one of Liger Kernel's fused linear cross-entropy, in plain torch.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuneloom.errors import ConfigError
from tuneloom.models.attention import plain_model
from tuneloom.models.packed import packed_hidden
from tuneloom.models.token_row import TokenRow

CHUNK = 512  # supervised tokens whose logits exist at one time


def packed_loss(model: Any, rows: Sequence[TokenRow], dtype: torch.dtype = torch.float32) -> tuple[Tensor, int]:
    """Summed loss in nats (float32 scalar with gradient) and the number of supervised tokens of the packed rows.

    `dtype` is the number format of the head's products; the body's is the caller's autocast.
    """
    hidden, targets = supervised_hidden(model, rows)
    return SummedCrossEntropy.apply(hidden, head_of(model), targets, dtype), len(targets)


def supervised_hidden(model: Any, rows: Sequence[TokenRow]) -> tuple[Tensor, Tensor]:
    """Hidden states that predict a supervised token, (N, d) float, and those tokens, (N,) int64, in row order.

    `ids [1, 7, 9, 2], loss_mask [0, 0, 1, 1]` -> the states at 7 and 9, targets [9, 2].
    """
    hidden = packed_hidden(model, rows)
    source, targets = supervised_positions(rows)
    return hidden[torch.from_numpy(source).to(hidden.device)], torch.from_numpy(targets).to(hidden.device)


def supervised_positions(rows: Sequence[TokenRow]) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the packed line that predict a supervised token, and those tokens; both (N,) int64.

    A row's first token is never supervised: nothing before it could predict it.
    """
    starts = np.cumsum([0, *(len(row) for row in rows[:-1])])
    ids = np.concatenate([row.ids for row in rows]).astype(np.int64)
    wanted = np.concatenate([row.loss_mask for row in rows]).astype(bool)
    wanted[starts] = False
    places = np.flatnonzero(wanted)
    return places - 1, ids[places]


def supervised_tokens(row: TokenRow) -> int:
    """How many tokens of `row` count in the loss: those of the mask, without the row's first token."""
    return int(np.count_nonzero(row.loss_mask[1:]))


def head_of(model: Any) -> Tensor:
    """The weight (V, d) that turns hidden states into logits. Raises ConfigError for heads that are more than that."""
    head = plain_model(model).get_output_embeddings()
    if new_tokens := getattr(head, "token_adapter", None):  # PEFT: rows of the head that train
        return new_tokens.get_merged_weights(new_tokens.active_adapters)
    if hasattr(head, "modules_to_save"):  # PEFT: a copy of the head that trains
        head = head.modules_to_save[head.active_adapters[0]]
    if type(head) is not torch.nn.Linear or head.bias is not None:
        raise ConfigError(
            f"the model's head is {type(head).__name__}, not one plain matrix",
            where="config keys `model`, `train.target_modules`",
            remedy="Leave the head out of train.target_modules, or choose another model.",
        )
    return head.weight


class SummedCrossEntropy(torch.autograd.Function):
    """hidden (N, d) float, head (V, d) float, targets (N,) int64, dtype -> summed loss, float32 scalar.

    The products run in `dtype`; the loss, its slope and all sums are float32.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor, dtype: torch.dtype) -> Tensor:
        """Also makes d loss / d hidden, and d loss / d head where the head trains."""
        loss = torch.zeros((), dtype=torch.float32, device=hidden.device)
        hidden_grad = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        head_grad = torch.zeros_like(head, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        with torch.autocast(hidden.device.type, enabled=False):
            weight = head.to(dtype)
            for start in range(0, len(hidden), CHUNK):
                part = slice(start, start + CHUNK)
                states = hidden[part].to(dtype)
                losses, slope = _losses_and_slope(states @ weight.t(), targets[part])
                loss += losses.sum()
                slope = slope.to(dtype)
                if hidden_grad is not None:
                    hidden_grad[part] = slope @ weight
                if head_grad is not None:
                    head_grad += slope.t() @ states
        ctx.save_for_backward(hidden_grad, head_grad)
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:  # type: ignore[override]
        """Scales the gradients made before by the one that comes from above."""
        hidden_grad, head_grad = ctx.saved_tensors
        return (
            None if hidden_grad is None else hidden_grad * upstream,
            None if head_grad is None else head_grad * upstream,
            None,
            None,
        )


@torch.no_grad()
def token_losses(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Loss of each token in nats, float32 (N,), without gradient: hidden (N, d) and head (V, d) of one float dtype."""
    losses = torch.zeros(len(hidden), dtype=torch.float32, device=hidden.device)
    for start in range(0, len(hidden), CHUNK):
        part = slice(start, start + CHUNK)
        losses[part] = _losses(hidden[part] @ head.t(), targets[part])[0]
    return losses


def _losses_and_slope(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """logits (n, V) float, targets (n,) -> losses (n,) and d loss / d logits (n, V), both float32.

    The slope is the softmax with 1 taken from the target's place; it takes over the memory of float32 logits.
    """
    losses, weights, total = _losses(logits, targets)
    index = targets[:, None]
    return losses, weights.div_(total).scatter_add_(1, index, torch.full_like(total, -1.0))


def _losses(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """logits (n, V) float, targets (n,) -> losses (n,), exp(logit - top) (n, V) and their sums (n, 1), all float32."""
    logits = logits.float()
    logits.sub_(logits.amax(1, keepdim=True))
    picked = logits.gather(1, targets[:, None])
    weights = logits.exp_()
    total = weights.sum(1, keepdim=True)
    return (total.log() - picked)[:, 0], weights, total
