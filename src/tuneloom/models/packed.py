"""Rows side by side in one line, without padding: cut into micro-batches, run through the model, proven apart.

transformers leaks between packed rows, silently, where its cache is left on or a mask of ones is given; `check_apart`
compares with each row alone before anything is trained on a packed line.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tuneloom.errors import TrainingError
from tuneloom.models.attention import SEGMENT, attention_of, plain_model
from tuneloom.models.token_row import TokenRow

TOLERANCE = {torch.float32: 1e-3}  # leaks are of the order of 1, float32 differences of 1e-6
COARSE = 5e-2  # for coarser weights


def micro_batches(rows: Sequence[TokenRow], token_budget: int) -> Iterator[list[TokenRow]]:
    """Cuts `rows`, in order, into runs of at most `token_budget` tokens; a longer row stands alone.

    Lengths [300, 200, 400, 900] and a budget of 600 -> [300, 200], [400], [900].
    """
    batch: list[TokenRow] = []
    tokens = 0
    for row in rows:
        if batch and tokens + len(row) > token_budget:
            yield batch
            batch, tokens = [], 0
        batch.append(row)
        tokens += len(row)
    if batch:
        yield batch


def packed_hidden(model: Any, rows: Sequence[TokenRow]) -> Tensor:
    """Last hidden states of `rows` computed in one line: (T, d) float, T = all their tokens, positions from 0 in each.

    `model` has the segment attention (`attention_of`).
    """
    inner = plain_model(model)
    bounds = (0, *np.cumsum([len(row) for row in rows]).tolist())
    ids = torch.from_numpy(np.concatenate([row.ids for row in rows]).astype(np.int64))
    positions = torch.cat([torch.arange(len(row)) for row in rows])
    out = inner.base_model(
        input_ids=ids[None].to(inner.device),
        position_ids=positions[None].to(inner.device),
        segments=bounds,
        use_cache=False,
    )
    return out.last_hidden_state[0]


def check_apart(model: Any, rows: Sequence[TokenRow]) -> None:
    """Proves on `rows` that this model trains packed: its logits in one line are transformers' for each row alone.

    Catches rows that see each other, a head that is more than a matrix (scaled or capped logits), positions that do
    not restart. Raises TrainingError with the difference. Costs two short forward passes.
    """
    inner = plain_model(model)
    with torch.no_grad():
        with attention_of(model, SEGMENT):
            together = torch.split(packed_hidden(model, rows), [len(row) for row in rows])
        with attention_of(model, "sdpa"):
            alone = [_logits_alone(inner, row) for row in rows]
        head = inner.get_output_embeddings()
        apart = max(_difference(head(hidden), logits) for hidden, logits in zip(together, alone, strict=True))
    bound = TOLERANCE.get(inner.dtype, COARSE)
    if not apart <= bound:
        raise TrainingError(
            f"packed rows get other logits than rows alone (relative difference {apart:.2g}, at most {bound:g})",
            where=f"model class {type(inner).__name__}",
            remedy="This architecture cannot be trained on packed rows here; choose another model.",
        )


def _logits_alone(model: Any, row: TokenRow) -> Tensor:
    """Logits (n, V) of one row from the model's own forward, nothing packed, nothing cached."""
    ids = torch.from_numpy(row.ids.astype(np.int64))[None].to(model.device)
    return model(input_ids=ids, use_cache=False).logits[0]


def _difference(found: Tensor, wanted: Tensor) -> float:
    """Largest distance of two (n, V) float tensors, relative to the largest value of the second."""
    return float((found.float() - wanted.float()).abs().max() / wanted.float().abs().max().clamp(min=1e-6))
