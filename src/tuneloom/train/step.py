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
from tuneloom.train.group import Alone

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
            if not math.isfinite(value):
                raise stopped(f"the loss is {value}", part)
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
