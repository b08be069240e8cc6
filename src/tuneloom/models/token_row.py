"""One row as a model sees it: token ids and the mask that says which of them are learnt.

Written by render, read by train and evaluate, so it lives below all three.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TokenRow:
    """A rendered row: `ids` int32 (n,) and `loss_mask` uint8 (n,), 1 where the token is trained.

    `TokenRow("ab", [1, 7, 9, 2], [0, 0, 1, 1])`: tokens 9 and 2 count in the loss, given 1 and 7.
    """

    id: str
    ids: NDArray[np.int32]
    loss_mask: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def supervised(self) -> int:
        """How many tokens count in the loss."""
        return int(np.count_nonzero(self.loss_mask))


def learnt_runs(loss_mask: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Runs of ones in a loss_mask uint8 (n,) as (start, end): `[0 1 1 0 1]` -> `[(1, 3), (4, 5)]`."""
    starts, ends = runs_of_rows(loss_mask, np.array([0, len(loss_mask)]))
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def runs_of_rows(
    loss_mask: NDArray[np.uint8], bounds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Runs of ones in the masks of many rows, one after the other: loss_mask uint8 (n,), row r at
    `bounds[r]:bounds[r + 1]`, int64 (rows + 1,) -> starts and ends int64 (runs,); a run ends with its row.

    `[0 1 1 1], [0, 3, 4]` -> `[1 3], [3 4]`.
    """
    ones = loss_mask.astype(bool)
    first, last = ones.copy(), ones.copy()
    first[1:] &= ~ones[:-1]
    last[:-1] &= ~ones[1:]
    inner = bounds[(bounds > 0) & (bounds < len(ones))]
    first[inner] = ones[inner]
    last[inner - 1] = ones[inner - 1]
    return np.flatnonzero(first), np.flatnonzero(last) + 1
