"""A token row knows its length and what of it is learnt."""

import numpy as np

from tuneloom.models.token_row import TokenRow


def test_supervised_counts_the_ones_of_the_mask() -> None:
    row = TokenRow("ab", np.array([1, 7, 9, 2], np.int32), np.array([0, 0, 1, 1], np.uint8))
    assert (len(row), row.supervised) == (4, 2)
