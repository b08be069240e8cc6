"""What becomes of a slice's rows, joined in their order."""

import numpy as np

from tuneloom.models.token_row import TokenRow
from tuneloom.render.outcomes import Refused, Rendered, composed, joined


def made(*ids: int, **more) -> Rendered:
    return Rendered(TokenRow("", np.array(ids, np.int32), np.ones(len(ids), np.uint8)), **more)


def test_two_ways_rows_lie_in_the_order_of_their_slice():
    no, late = Refused("too long", {}), Refused("nothing to learn", {})
    one = composed([[made(1, 2)], [late]], np.array([1, 4]))
    other = composed([[made(5, template="t"), made(6, dropped=2)], [no]], np.array([0, 3]))
    found = joined(one, other)
    assert found.places.tolist() == [0, 0, 1]
    assert [found.rows.row(r, "").ids.tolist() for r in range(3)] == [[5], [6], [1, 2]]
    assert (found.dropped.tolist(), found.templates) == ([0, 2, 0], ["t", None, None])
    assert found.refused == [(3, no), (4, late)]
    assert found.counts.tolist() == [2, 1, 0, 1, 1]


def test_nothing_becomes_nothing():
    found = composed([], np.zeros(0, np.int64))
    assert len(found.rows) == len(found.places) == found.counts.sum() == 0
