"""One optimiser step: gradients over its micro-batches, checked numbers, AdamW.

A step's loss is the sum over its micro-batches divided by the supervised tokens of the whole step, so the micro-batch
budget changes memory and speed but not the result.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.models.loss import packed_loss
from tuneloom.models.packed import micro_batches
from tuneloom.models.seq2seq import input_and_target, reads_and_writes, summed_loss
from tuneloom.models.token_row import TokenRow
from tuneloom.train.batches import Step
from tuneloom.train.group import Alone
from tuneloom.train.methods import parameter_groups
from tuneloom.train.watch import check_loss


def optimiser(model: Any, settings: Train) -> torch.optim.AdamW:
    """AdamW over all that trains; a group's `rate_factor` is what the learning rate is multiplied by for it."""
    groups = parameter_groups(model, settings)
    fused = groups[0]["params"][0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=fused)


def backward(
    group: Alone,
    batch: Sequence[TokenRow],
    step: Step,
    budget: int,
    dtype: str,
    on_micro_batch: Callable[[], None] = lambda: None,
) -> float:
    """Adds the gradients of the step's mean loss, micro-batch by micro-batch; returns that loss. `batch` is the whole
    step's, of which this process computes its part."""
    total = 0.0
    device = next(group.model.parameters()).device.type
    parts = group.micro_batches(batch, budget)
    for number, (part, counts) in enumerate(parts, 1):
        with group.accumulating(last=number == len(parts)):
            with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
                loss = group.run(rows_loss, part, dtype)
            value = loss.item()
            check_loss(value, part)
            (loss * (group.count / step.supervised if counts else 0.0)).backward()  # ranks average their gradients
        on_micro_batch()
        total += value if counts else 0.0
    return group.total(total) / step.supervised


def rows_loss(model: Any, rows: Sequence[TokenRow], dtype: str) -> torch.Tensor:
    """Summed loss of the rows in nats: float32 scalar with gradient; `dtype` is the head's number format."""
    if reads_and_writes(model):
        return summed_loss(model, rows)[0]
    return packed_loss(model, rows, getattr(torch, dtype))[0]


def padded_tokens(model: Any, batch: Sequence[TokenRow], budget: int) -> int:
    """Places of a step that are computed for nothing: none in packed rows; what an encoder-decoder's batches pad."""
    if not reads_and_writes(model):
        return 0
    sides = ([input_and_target(row) for row in part] for part in micro_batches(batch, budget))
    return sum(_padding([len(one[side]) for one in part]) for part in map(list, sides) for side in (0, 1))


def _padding(lengths: Sequence[int]) -> int:
    """Places that fill rows of these lengths up to the longest: [3, 5] -> 2."""
    return max(lengths) * len(lengths) - sum(lengths)
