"""What is watched while a model trains: that all that should learn does, and that the loss is a number that falls.

Each stop names the rows of its batch, so that they can be looked at with `tuneloom trace`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from tuneloom.errors import TrainingError
from tuneloom.models.token_row import TokenRow
from tuneloom.train.group import whole

LOOKS = 2
WINDOW = 5
"""Steps over whose mean a loss that runs away is judged."""
RUNAWAY = 4.0
"""Nats; below that the lowest loss may just have been low."""
NAMED = 20
"""Rows that are named of a batch."""


@dataclass
class GradientCheck:
    """Every trainable parameter must get a gradient that is not 0 in the first step; a factor that the other one
    multiplies by 0 (LoRA's A, as B starts at 0) in the second."""

    missing: dict[str, torch.nn.Parameter] = field(default_factory=dict)
    steps: int = 0

    @classmethod
    def of(cls, model: Any) -> "GradientCheck":
        """Watches all that trains in `model`."""
        return cls({name: p for name, p in model.named_parameters() if p.requires_grad})

    def go_on(self, steps: int, missing: Sequence[str]) -> None:
        """Takes up the watch of a training that was left after `steps` looks, `missing` without a gradient yet."""
        self.steps, self.missing = steps, {name: self.missing[name] for name in missing}

    def look(self) -> None:
        """Call after each backward pass, before gradients are cleared. Raises TrainingError naming the parameters."""
        if self.steps >= LOOKS:
            return
        self.steps += 1
        every = dict(self.missing)
        self.missing = {n: p for n, p in every.items() if p.grad is None or not bool(whole(p.grad).any())}
        late = {name for name in self.missing if self.steps < LOOKS and _multiplied_by_0(name, every)}
        if without := [name for name in self.missing if name not in late]:
            raise TrainingError(
                f"{len(without)} trainable parameters got no gradient by step {self.steps}",
                where=", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else ""),
                remedy="They would be saved untrained; leave them out of train.target_modules and modules_to_save.",
            )


def check_loss(loss: float, rows: Sequence[TokenRow]) -> None:
    """Raises TrainingError with the rows of a micro-batch whose loss is no number."""
    if not math.isfinite(loss):
        raise _stopped(f"the loss is {loss}", rows)


def check_numbers(step: int, loss: float, norm: float, before: Sequence[float], rows: Sequence[TokenRow]) -> None:
    """Raises TrainingError with the rows of a step (counted from 0) whose gradient is no number or whose loss runs
    away; `before` are the losses of the steps before it."""
    if not math.isfinite(norm):
        raise _stopped(f"the gradient's norm is {norm} in step {step + 1}", rows)
    if told := runs_away([*before, loss]):
        raise _stopped(told, rows)


def runs_away(losses: Sequence[float]) -> str | None:
    """Why a curve is no training any more: the mean of its last steps is over RUNAWAY and far above its lowest part.

    `[2.0] * 5 + [9.0] * 5` -> "the loss ran away: 2.00 at its lowest, 9.00 by step 10"; None while all is well.
    """
    if len(losses) < WINDOW:
        return None
    sums = np.cumsum([0.0, *losses])
    means = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
    lowest, last = min(losses[0], float(means.min())), float(means[-1])
    if last <= max(2 * lowest + 1, RUNAWAY):
        return None
    return f"the loss ran away: {lowest:.2f} at its lowest, {last:.2f} by step {len(losses)}"


def _multiplied_by_0(name: str, parameters: dict[str, torch.nn.Parameter]) -> bool:
    """Whether the parameter is one of two factors of an adapter and the other is still all 0."""
    for mine, others in (("lora_A", "lora_B"), ("lora_B", "lora_A")):
        other = parameters.get(name.replace(mine, others)) if mine in name else None
        if other is not None and not bool(whole(other).any()):
            return True
    return False


def _stopped(what: str, rows: Sequence[TokenRow]) -> TrainingError:
    listed = ", ".join(row.id for row in rows[:NAMED])
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return TrainingError(
        what,
        where=f"rows {listed}{more}",
        remedy="Lower train.learning_rate, look at these rows (tuneloom trace), or set train.dtype: float32.",
    )
