"""Which rows stand in the released index: they survive first, and those that are lost all the same are counted."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tuneloom.dedup.ledger import Ledger, numbers
from tuneloom.released import ReleasedIndex


@dataclass(frozen=True)
class Standing:
    """Of n rows."""

    rows: np.ndarray
    """bool (n,): whether the row's id is in the index"""
    ids: np.ndarray
    """uint64 (2, m): the ids of these m rows, in order"""

    @classmethod
    def of(cls, ledger: Ledger, released: ReleasedIndex) -> "Standing":
        """Looks the ids up; of two in the index that share their first 64 bits the second is taken for unknown."""
        first, second = ledger.hashes[2], ledger.hashes[3]
        if not len(released):
            return cls(np.zeros(len(ledger), bool), np.empty((2, 0), np.uint64))
        known = numbers(pa.chunked_array([released.ids]))  # sorted, as the ids are
        place = np.minimum(np.searchsorted(known[:, 0], first), len(known) - 1)
        rows = (known[place, 0] == first) & (known[place, 1] == second)
        return cls(rows, np.stack([first[rows], second[rows]]))

    def lost(self, kept: np.ndarray) -> int:
        """How many released ids have no row among the `kept` bool (n,): two that were released apart may be one by
        other settings."""
        pairs = np.ascontiguousarray(self.ids.T).view([("first", np.uint64), ("second", np.uint64)]).reshape(-1)
        stays = np.unique(pairs[kept[self.rows]])
        return len(np.setdiff1d(pairs, stays))
