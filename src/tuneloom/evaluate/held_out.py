"""Held-out loss: how surprised a model is by the right answers of rows that never trained, in nats a token."""

from collections.abc import Callable, Sequence
from typing import Any

from tuneloom.evaluate.items import Item
from tuneloom.evaluate.metrics import Direction
from tuneloom.models.likelihood import row_losses

METRIC = "loss"
DIRECTION: Direction = "lower"
_SLICE = 16


def held_out_losses(model: Any, items: Sequence[Item], on_rows: Callable[[int], None]) -> list[float]:
    """Mean nats a supervised token of every item, float64 (items,); rows count alike, long answers no more than short.

    `on_rows` hears how many rows are scored. Rows without a supervised token never get here: render rejects them.
    """
    losses: list[float] = []
    for start in range(0, len(items), _SLICE):
        found = row_losses(model, [item.row for item in items[start : start + _SLICE]])
        losses += [loss.sum / loss.tokens for loss in found]
        on_rows(len(losses))
    return losses
