"""The exact join: no pair is missed, whatever the sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.text.test_similarity import sets
from tuneloom.text.set_join import rarest_shingles
from tuneloom.text.similarity import Buckets


def together(buckets: Buckets, x: int, y: int) -> bool:
    a, b = (set(buckets.numbers[buckets.bounds[row] : buckets.bounds[row + 1]].tolist()) for row in (x, y))
    return bool(a & b)


ROW = st.tuples(st.frozensets(st.integers(0, 12), min_size=1), st.frozensets(st.integers(20, 26), min_size=1))


@settings(deadline=None, max_examples=300)
@given(st.lists(ROW, min_size=2, max_size=12), st.sampled_from([0.3, 0.5, 2 / 3, 0.8, 0.9, 1.0]), st.randoms())
def test_every_similar_pair_shares_a_bucket(rows: list[tuple[frozenset, frozenset]], threshold: float, random):
    slots = list(range(len(rows)))
    random.shuffle(slots)
    parts = [sets([set(row[part]) for row in rows]) for part in (0, 1)]
    found = rarest_shingles(parts, np.array(slots), threshold)
    unions = [rows[slot][0] | rows[slot][1] for slot in slots]
    for x in range(len(rows)):
        for y in range(x):
            if len(unions[x] & unions[y]) >= threshold * len(unions[x] | unions[y]) - 1e-12:
                assert together(found, x, y)


@pytest.mark.parametrize(("threshold", "kept"), [(1.0, 1), (0.8, 3), (0.5, 6)])
def test_only_the_rarest_are_taken(threshold: float, kept: int):
    """Of ten shingles; those that one row alone has make no bucket."""
    found = rarest_shingles([sets([set(range(10)), set(range(10)), {99}])], np.arange(3), threshold)
    assert np.diff(found.bounds).tolist() == [kept, kept, 0]


def test_frequent_shingles_bring_few_rows_together():
    rows = [set(range(10)) | {100 + n // 2, 200 + n // 2} for n in range(40)]
    found = rarest_shingles([sets(rows)], np.arange(40), 0.9)
    assert together(found, 0, 1)
    assert not together(found, 0, 2)
