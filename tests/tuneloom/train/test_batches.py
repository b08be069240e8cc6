"""The order of training is known before the first step, whole and the same for the same seed."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.errors import NoUsableData
from tuneloom.models.token_row import TokenRow
from tuneloom.train.batches import Step, shares
from tuneloom.train.batches import plan_steps as plan_packs


def plan_steps(rows: Sequence[TokenRow], tokens: int, epochs: float, most: int | None, seed: int) -> list[Step]:
    """Every row a pack of its own."""
    settings = Train(tokens_per_step=tokens, epochs=epochs, max_tokens=most)
    return one_row_packs(rows, settings, seed)


LENGTHS = st.lists(st.integers(2, 60), min_size=1, max_size=40)


def test_a_step_ends_with_the_row_that_fills_it() -> None:
    steps = plan_steps(token_rows((5, 5, 5, 5)), 10, 1, None, 0)
    assert [(len(step.rows), step.tokens) for step in steps] == [(2, 10), (2, 10)]


def test_a_small_rest_joins_the_step_before() -> None:
    steps = plan_steps(token_rows((5, 5, 5, 5, 2)), 10, 1, None, 3)
    assert sum(step.tokens for step in steps) == 22
    assert len(steps) == 2


@given(LENGTHS, st.integers(1, 100), st.integers(1, 3), st.integers(0, 5))
def test_each_epoch_has_every_row_once_and_every_step_is_counted(
    lengths: list[int], tokens_per_step: int, epochs: int, seed: int
) -> None:
    rows = token_rows(lengths)
    steps = plan_steps(rows, tokens_per_step, epochs, None, seed)
    order = [place for step in steps for place in step.rows]
    for epoch in range(epochs):
        assert sorted(order[epoch * len(rows) : (epoch + 1) * len(rows)]) == list(range(len(rows)))
    assert all(step.tokens == sum(len(rows[place]) for place in step.rows) for step in steps)
    assert all(step.supervised == sum(int(rows[place].loss_mask[1:].sum()) for place in step.rows) for step in steps)
    assert all(step.tokens >= tokens_per_step / 2 for step in steps[1:])


@given(LENGTHS, st.integers(2, 2000))
def test_max_tokens_is_never_passed_but_by_a_first_row_that_is_longer(lengths: list[int], most: int) -> None:
    steps = plan_steps(token_rows(lengths), 30, 2, most, 0)
    total = sum(step.tokens for step in steps)
    assert total <= most or sum(len(step.rows) for step in steps) == 1


def test_half_an_epoch_is_half_the_rows() -> None:
    counted = Counter(place for step in plan_steps(token_rows([4] * 10), 8, 1.5, None, 0) for place in step.rows)
    assert sorted(counted.values()) == [1] * 5 + [2] * 5


def test_the_seed_decides_the_order_and_epochs_differ() -> None:
    rows = token_rows([4] * 30)

    def order(seed: int) -> list[int]:
        return [place for step in plan_steps(rows, 8, 2, None, seed) for place in step.rows]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1)[:30] != order(1)[30:]


@given(LENGTHS, st.integers(1, 100), st.randoms())
def test_a_pack_is_never_torn_and_a_repeated_row_trains_as_often(
    lengths: list[int], tokens: int, random: Random
) -> None:
    rows = token_rows(lengths)
    places = [place for place in range(len(rows)) for _ in range(1 + place % 2)]
    random.shuffle(places)
    packs = [places[start : start + 3] for start in range(0, len(places), 3)]
    order = [place for step in plan_packs(rows, packs, tokens, 1, None, 0) for place in step.rows]
    assert Counter(order) == Counter(places)
    found = []
    while order:
        pack = next(pack for pack in packs if order[: len(pack)] == pack)
        found.append(pack)
        order = order[len(pack) :]
    assert sorted(found) == sorted(packs)


def test_no_rows_and_rows_with_nothing_to_learn_are_refused_by_name() -> None:
    with pytest.raises(NoUsableData, match="no row to train on"):
        plan_steps([], 10, 1, None, 0)
    only_first = TokenRow("silent", np.array([5, 6], np.int32), np.array([1, 0], np.uint8))
    with pytest.raises(NoUsableData, match="row silent"):
        plan_steps([*token_rows(), only_first], 10, 1, None, 0)


@given(LENGTHS, st.integers(1, 4), st.integers(1, 100))
def test_ranks_share_out_every_row_once_in_as_many_micro_batches_each(
    lengths: list[int], ranks: int, budget: int
) -> None:
    rows = token_rows(lengths)
    mine = shares(rows, ranks, budget)
    assert sorted(row.id for parts in mine for part in parts for row in part) == sorted(row.id for row in rows)
    assert len({len(parts) for parts in mine}) == 1
    assert all(len(part) <= 1 or sum(map(len, part)) <= budget for parts in mine for part in parts)
    loads = [sum(len(row) for part in parts for row in part) for parts in mine]
    assert max(loads) - min(loads) <= max(lengths)


def test_one_rank_takes_the_rows_in_their_order() -> None:
    rows = token_rows((300, 200, 400, 900))
    assert shares(rows, 1, 600) == [[rows[:2], rows[2:3], rows[3:]]]
    assert shares(rows, 2, 600) == [[rows[3:], []], [rows[:2], rows[2:3]]]
