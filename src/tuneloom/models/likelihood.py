"""How likely a model finds rows: the summed loss of each row's supervised tokens, many rows in one packed line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tuneloom.errors import TrainingError
from tuneloom.models.attention import SEGMENT, attention_of
from tuneloom.models.loss import head_of, supervised_hidden, supervised_tokens, token_losses
from tuneloom.models.packed import micro_batches
from tuneloom.models.seq2seq import reads_and_writes, target_losses
from tuneloom.models.token_row import TokenRow


@dataclass(frozen=True)
class RowLoss:
    """A row's loss: `sum` nats over its `tokens` supervised tokens."""

    id: str
    sum: float
    tokens: int

    @property
    def mean(self) -> float | None:
        """Nats a token; None where no token counts."""
        return self.sum / self.tokens if self.tokens else None


@torch.no_grad()
def row_losses(model: Any, rows: Sequence[TokenRow], token_budget: int = 1024) -> list[RowLoss]:
    """Losses of `rows` in their order, in the model's own number format, at most `token_budget` tokens at a time.

    Independent of how rows share a line: alone or together a row gets the same loss (float32: 1e-6 relative).
    Raises TrainingError, naming the row, for a loss that is not a number.
    """
    was_training = model.training
    model.eval()
    try:
        if reads_and_writes(model):
            return [loss for batch in micro_batches(rows, token_budget) for loss in _target_losses(model, batch)]
        with attention_of(model, SEGMENT):
            return [loss for batch in micro_batches(rows, token_budget) for loss in _batch_losses(model, batch)]
    finally:
        model.train(was_training)


def _batch_losses(model: Any, rows: Sequence[TokenRow]) -> list[RowLoss]:
    """One line of packed rows -> a RowLoss each; sums are float64."""
    hidden, targets = supervised_hidden(model, rows)
    losses = token_losses(hidden, head_of(model), targets).cpu().numpy().astype(np.float64)
    counts = [supervised_tokens(row) for row in rows]
    sums = [float(part.sum()) for part in np.split(losses, np.cumsum(counts)[:-1])]
    return _checked(rows, sums, counts)


def _target_losses(model: Any, rows: Sequence[TokenRow]) -> list[RowLoss]:
    """A padded batch of an encoder-decoder -> a RowLoss each."""
    losses = [loss.double().cpu() for loss in target_losses(model, rows)]
    return _checked(rows, [float(loss.sum()) for loss in losses], [len(loss) for loss in losses])


def _checked(rows: Sequence[TokenRow], sums: Sequence[float], counts: Sequence[int]) -> list[RowLoss]:
    for row, total in zip(rows, sums, strict=True):
        if not np.isfinite(total):
            raise TrainingError(
                f"the loss of a row is {total}", where=f"row {row.id}", remedy="The model's weights are broken."
            )
    return [RowLoss(row.id, total, count) for row, total, count in zip(rows, sums, counts, strict=True)]
