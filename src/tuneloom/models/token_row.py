"""One row as a model sees it: token ids and the mask that says which of them are learnt.

Written by render, read by train and evaluate, so it lives below all three.
"""

from collections.abc import Sequence
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


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Many rows, one after the other: `ids` int32 (t,), `loss_mask` uint8 (t,), row r at `bounds[r]:bounds[r + 1]`,
    int64 (rows + 1,).

    `TokenRows([1, 7, 9, 2, 8, 2], [0, 0, 1, 1, 0, 0], [0, 4, 6])`: a row of 4 tokens and one of 2.
    """

    ids: NDArray[np.int32]
    loss_mask: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of every row: int64 (rows,)."""
        return np.diff(self.bounds)

    @property
    def supervised(self) -> NDArray[np.int64]:
        """Tokens of every row that count in the loss: int64 (rows,)."""
        return np.diff(np.concatenate([[0], np.cumsum(self.loss_mask, dtype=np.int64)])[self.bounds])

    def row(self, number: int, row_id: str) -> TokenRow:
        """One of them, a view."""
        start, end = self.bounds[number], self.bounds[number + 1]
        return TokenRow(row_id, self.ids[start:end], self.loss_mask[start:end])

    def take(self, numbers: NDArray[np.int64]) -> "TokenRows":
        """Those of these numbers, int64 (k,), in this order."""
        if np.array_equal(numbers, np.arange(len(self))):
            return self
        lengths = self.lengths[numbers]
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(bounds[-1]) + np.repeat(self.bounds[numbers] - bounds[:-1], lengths)
        return TokenRows(self.ids[places], self.loss_mask[places], bounds)

    @classmethod
    def of(cls, rows: Sequence[TokenRow]) -> "TokenRows":
        """Rows laid one after the other."""
        ids = np.concatenate([np.zeros(0, np.int32), *(row.ids for row in rows)])
        loss_mask = np.concatenate([np.zeros(0, np.uint8), *(row.loss_mask for row in rows)])
        return cls(ids, loss_mask, np.cumsum([0, *map(len, rows)], dtype=np.int64))

    def joined(self, others: "TokenRows") -> "TokenRows":
        """These and others behind them."""
        ids, loss_mask = (np.concatenate([getattr(self, n), getattr(others, n)]) for n in ("ids", "loss_mask"))
        return TokenRows(ids, loss_mask, np.concatenate([self.bounds, self.bounds[-1] + others.bounds[1:]]))


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
