"""Token rows for tests of models and training: random ids of a given length, the last three quarters supervised."""

from collections.abc import Sequence

import numpy as np

from tuneloom.config import Train
from tuneloom.models.token_row import TokenRow
from tuneloom.train.batches import Step, plan_steps

LENGTHS = (12, 3, 31, 7, 20, 2)


def token_rows(lengths: Sequence[int] = LENGTHS, seed: int = 0, vocabulary: int = 400) -> list[TokenRow]:
    """Rows "row-0", "row-1", ...; ids int32 (n,), loss_mask uint8 (n,)."""
    random = np.random.default_rng(seed)
    return [
        TokenRow(
            f"row-{number}",
            random.integers(3, vocabulary, length).astype(np.int32),
            (np.arange(length) >= length // 4).astype(np.uint8),
        )
        for number, length in enumerate(lengths)
    ]


def one_row_packs(rows: Sequence[TokenRow], settings: Train, seed: int) -> list[Step]:
    """The steps of `rows`, every row a pack of its own."""
    packs = [[place] for place in range(len(rows))]
    return plan_steps(rows, packs, settings.tokens_per_step, settings.epochs, settings.max_tokens, seed)
