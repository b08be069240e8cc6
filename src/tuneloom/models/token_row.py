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
        return int(self.loss_mask.sum())
