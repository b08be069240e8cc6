"""Released rows are found by their ids, and counted where no row of theirs is kept."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import table_of
from tests.tuneloom.dedup.builders import make_ledger
from tuneloom.dedup.standing import Standing
from tuneloom.released import NOTHING, ReleasedIndex

ROWS = table_of([(f"question {number}", "answer") for number in range(12)])
IDS = ROWS["id"].to_pylist()


def index_of(ids: list[str]) -> ReleasedIndex:
    ids = sorted({*ids, "0" * 32, "f" * 32})
    return ReleasedIndex(pa.array(ids), np.zeros(len(ids), np.uint8), np.zeros(len(ids), np.uint64))


@given(st.sets(st.integers(0, 11)), st.lists(st.integers(0, 11), min_size=1, max_size=20), st.data())
def test_rows_are_released_by_their_ids_and_lost_where_none_is_kept(
    released: set[int], shown: list[int], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(shown), max_size=len(shown)))
    standing = Standing.of(make_ledger([ROWS.take(shown)]), index_of([IDS[n] for n in released]))
    assert standing.rows.tolist() == [n in released for n in shown]
    stays = {n for n, keep in zip(shown, kept, strict=True) if keep}
    assert standing.lost(np.array(kept)) == len({*shown} & released - stays)


@pytest.mark.parametrize("count", [0, 3])
def test_before_the_first_release_none_is(count: int) -> None:
    standing = Standing.of(make_ledger([ROWS.slice(0, count)]), NOTHING)
    assert standing.rows.tolist() == [False] * count
    assert standing.lost(np.zeros(count, bool)) == 0
