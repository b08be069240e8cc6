"""One optimiser step: gradients over its micro-batches, checked numbers, AdamW.

A step's loss is the sum over its micro-batches divided by the supervised tokens of the whole step, so the micro-batch
budget changes memory and speed but not the result.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.loss import packed_loss
from tuneloom.models.packed import micro_batches
from tuneloom.models.seq2seq import input_and_target, reads_and_writes, summed_loss
from tuneloom.models.token_row import TokenRow
from tuneloom.train.batches import Step

WINDOW = 5  # steps over whose mean a loss that runs away is judged
RUNAWAY = 4.0  # nats; below that a single step's first loss may just have been low


def optimiser(parameters: Sequence[torch.nn.Parameter], settings: Train) -> torch.optim.AdamW:
    """AdamW; norms and biases (one dimension) do not decay."""
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.learning_rate, fused=fused)


def backward(
    model: Any,
    batch: Sequence[TokenRow],
    step: Step,
    budget: int,
    dtype: str,
    on_micro_batch: Callable[[], None] = lambda: None,
) -> float:
    """Adds the gradients of the step's mean loss, micro-batch by micro-batch; returns that loss."""
    total = 0.0
    device = next(model.parameters()).device.type
    for part in micro_batches(batch, budget):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype == "bfloat16"):
            if reads_and_writes(model):
                loss, _ = summed_loss(model, part)
            else:
                loss, _ = packed_loss(model, part, getattr(torch, dtype))
        value = loss.item()
        if not math.isfinite(value):
            raise stopped(f"the loss is {value}", part)
        (loss / step.supervised).backward()
        on_micro_batch()
        total += value
    return total / step.supervised


def padded_tokens(model: Any, batch: Sequence[TokenRow], budget: int) -> int:
    """Places of a step that are computed for nothing: none in packed rows; what an encoder-decoder's batches pad."""
    if not reads_and_writes(model):
        return 0
    sides = ([input_and_target(row) for row in part] for part in micro_batches(batch, budget))
    return sum(_padding([len(one[side]) for one in part]) for part in map(list, sides) for side in (0, 1))


def check_numbers(step: int, loss: float, norm: float, before: Sequence[float], batch: Sequence[TokenRow]) -> None:
    if not math.isfinite(norm):
        raise stopped(f"the gradient's norm is {norm} in step {step + 1}", batch)
    recent = [*before, loss][-WINDOW:]
    mean = sum(recent) / WINDOW
    if len(recent) == WINDOW and mean > max(2 * before[0] + 1, RUNAWAY):
        raise stopped(f"the loss ran away: {before[0]:.2f} at first, {mean:.2f} by step {step + 1}", batch)


def _padding(lengths: Sequence[int]) -> int:
    """Places that fill rows of these lengths up to the longest: [3, 5] -> 2."""
    return max(lengths) * len(lengths) - sum(lengths)


def stopped(what: str, rows: Sequence[TokenRow]) -> TrainingError:
    listed = ", ".join(row.id for row in rows[:20]) + (f" and {len(rows) - 20} more" if len(rows) > 20 else "")
    return TrainingError(
        what,
        where=f"rows {listed}",
        remedy="Lower train.learning_rate, look at these rows (tuneloom trace), or set train.dtype: float32.",
    )
