"""Sides: shares, whole groups, held-out tasks, and that nothing moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.config import Split
from tuneloom.split.groups import Groups
from tuneloom.split.sides import LEAK, TEST, TRAIN, VALIDATION, Prior, draw_sides
from tuneloom.text.keys import mixed


def groups(labels: list[int]) -> Groups:
    """Groups whose anchor is the hash of their label."""
    return Groups(np.array(labels, np.int64), mixed(np.array(labels, np.uint64)), np.empty(0, np.uint64), 0)


def drawn(labels: list[int], held: list[int] = (), seed: int = 0, **shares: float) -> np.ndarray:
    held_out, none = np.isin(np.arange(len(labels)), held), np.full(len(labels), -1, np.int8)
    return draw_sides(groups(labels), held_out, Split(**shares), seed, Prior(none, none, np.zeros(len(labels), bool)))


def test_shares_are_about_what_was_asked():
    sides = drawn(list(range(20_000)), validation=0.1, test=0.2)
    assert abs((sides == VALIDATION).mean() - 0.1) < 0.01
    assert abs((sides == TEST).mean() - 0.2) < 0.01


def test_the_seed_draws_anew():
    labels = list(range(2000))
    one, two = (drawn(labels, test=0.5 - 1e-9, validation=0, seed=seed) for seed in (1, 2))
    assert 0.4 < (one == two).mean() < 0.6


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=60), st.lists(st.integers(0, 59), max_size=3), st.integers(0, 5))
def test_no_group_straddles(labels: list[int], held: list[int], seed: int):
    sides = drawn(labels, held, seed, validation=0.2, test=0.3)
    for label in set(labels):
        assert len(set(sides[np.array(labels) == label].tolist()) - {LEAK}) <= 1


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 10_000), min_size=500, max_size=600, unique=True), st.integers(1, 499))
def test_no_row_changes_side_when_others_join(labels: list[int], before: int):
    """As long as no side had to be filled by hand, which only tiny data need."""
    shares = {"validation": 0.2, "test": 0.3}
    first = drawn(labels[: before + 1], **shares)
    if (np.bincount(first, minlength=3)[1:] > 1).all():
        assert first.tolist() == drawn(labels, **shares)[: before + 1].tolist()


def test_what_shares_a_group_with_a_held_out_row_may_not_train():
    sides = drawn([0, 0, 1, 1, 2], held=[1], validation=0, test=0)
    assert sides.tolist() == [LEAK, TEST, TRAIN, TRAIN, TRAIN]


def test_held_out_task_beats_group_beats_hash():
    labels = [n // 2 for n in range(400)]
    sides = drawn(labels, held=list(range(0, 400, 2)), validation=0.2, test=0.3)
    alone = drawn(labels, validation=0.2, test=0.3)
    assert (sides[0::2] == TEST).all()
    assert (sides[1::2] == np.where(alone[1::2] == TEST, TEST, LEAK)).all()
    assert 0.2 < (sides[1::2] == TEST).mean() < 0.4


@pytest.mark.parametrize("count", [3, 5, 10])
def test_tiny_data_have_each_side_as_long_as_one_group_is_left_to_train_on(count: int):
    whole = 0
    for seed in range(20):
        sides = drawn(list(range(count)), seed=seed).tolist()
        missing = {TRAIN, VALIDATION, TEST} - set(sides)
        whole += not missing
        assert not missing or sides.count(TRAIN) == 1, seed
    assert whole >= 18, "the draw itself takes the last group but one of so few now and then"


def test_one_group_trains():
    assert drawn([4, 4, 4], test=0.01, validation=0.01).tolist() == [TRAIN] * 3
    assert drawn([]).tolist() == []


def test_a_side_that_was_not_asked_for_stays_empty():
    assert set(drawn(list(range(50)), validation=0, test=0).tolist()) == {TRAIN}
