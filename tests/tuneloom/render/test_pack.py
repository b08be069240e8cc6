"""Packing: nothing lost, nothing split, tight, and the same for the same rows."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.render.pack import fill, pack, pack_places

LENGTHS = st.lists(st.integers(1, 32), max_size=60).map(lambda lengths: np.array(lengths, np.int32))


@given(LENGTHS, st.integers(0, 3))
def test_every_row_stands_in_one_pack_and_no_pack_is_too_long(lengths, seed):
    packs = pack(lengths, 32, seed)
    assert sorted(chain(*packs)) == list(range(len(lengths)))
    assert all(0 < lengths[rows].sum() <= 32 for rows in packs)
    assert packs == pack(lengths, 32, seed)


@given(LENGTHS)
def test_packs_are_those_of_best_fit_decreasing_by_the_book(lengths):
    rooms: list[int] = []
    for length in sorted(lengths.tolist(), reverse=True):
        fitting = [room for room in rooms if room >= length]
        if fitting:
            rooms[rooms.index(min(fitting))] -= length
        else:
            rooms.append(32 - length)
    assert sorted(32 - int(lengths[rows].sum()) for rows in pack(lengths, 32, 0)) == sorted(rooms)


@given(LENGTHS, st.data())
def test_a_row_that_repeats_stands_as_often_in_the_plan(lengths, data):
    repeats = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(lengths), max_size=len(lengths))), np.int32)
    packs = pack_places(lengths, repeats, 32, 0)
    assert np.bincount([*chain(*packs)], minlength=len(lengths)).tolist() == repeats.tolist()
    assert all(lengths[rows].sum() <= 32 for rows in packs)


def test_a_literal_plan():
    assert sorted(map(sorted, pack(np.array([6, 9, 4, 1], np.int32), 10, seed=0))) == [[0, 2], [1, 3]]


def test_the_seed_changes_the_order_and_not_the_packs():
    lengths = np.arange(1, 30, dtype=np.int32)
    one, other = pack(lengths, 32, 1), pack(lengths, 32, 2)
    assert one != other
    assert sorted(one) == sorted(other)


def test_lengths_like_those_of_instruction_data_fill_98_percent():
    lengths = np.random.default_rng(0).lognormal(5, 0.8, 20_000).astype(np.int32).clip(8, 2048)
    assert fill(pack(lengths, 2048, 0), lengths, 2048) > 0.98


def test_a_row_longer_than_a_pack_is_an_error_and_nothing_fills_nothing():
    with pytest.raises(ValueError, match="33 tokens"):
        pack(np.array([33], np.int32), 32, 0)
    assert pack(np.zeros(0, np.int32), 32, 0) == []
    assert fill([], np.zeros(0, np.int32), 32) is None
