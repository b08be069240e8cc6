"""Intervals and tests: known answers, behaviour at the edges, and simulations of what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.statistics import (
    bootstrap,
    holm,
    items_needed,
    mcnemar,
    sign_flip,
    smallest_detectable,
    wilson,
)

NUMBERS = st.lists(st.integers(-50, 50).map(lambda i: i / 8), min_size=0, max_size=40)


def test_an_interval_holds_its_mean_and_a_seed_repeats_it():
    values = np.random.default_rng(1).normal(0.3, 1, 80)
    interval = bootstrap(values, seed=3)
    assert interval is not None
    assert interval.low < interval.estimate == values.mean() < interval.high
    assert interval == bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_a_bootstrap_interval_is_the_normal_one_where_that_is_right():
    values = np.random.default_rng(2).normal(0, 1, 2000)
    interval = bootstrap(values)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.004)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.004)


def test_clusters_widen_the_interval_of_items_that_agree():
    by_cluster = np.repeat(np.random.default_rng(3).normal(0, 1, 12), 20)
    labels = np.repeat(np.arange(12), 20).tolist()
    free, clustered = bootstrap(by_cluster), bootstrap(by_cluster, clusters=labels)
    assert clustered.high - clustered.low > 3 * (free.high - free.low)


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 50, [0.2] * 50])
def test_no_spread_is_no_interval_and_never_zero(values):
    assert bootstrap(values) is None
    assert items_needed(values, 1.0) is None
    assert smallest_detectable(values) is None


def test_one_cluster_is_no_interval():
    assert bootstrap([1.0, 2.0, 3.0], clusters=["a", "a", "a"]) is None


def test_not_a_number_is_an_error_and_not_a_score():
    with pytest.raises(ValueError, match="nan"):
        bootstrap([1.0, float("nan")])


@given(NUMBERS, st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_swapping_the_models_flips_every_sign(values, seed):
    there = bootstrap(values, seed=seed, resamples=500)
    back = bootstrap([-v for v in values], seed=seed, resamples=500)
    if there is None:
        assert back is None
    else:
        assert (back.estimate, back.low, back.high) == pytest.approx((-there.estimate, -there.high, -there.low))
    assert sign_flip(values, seed) == sign_flip([-v for v in values], seed)


def test_sign_flip_known_answers():
    assert sign_flip([1, 1, 1, 1, 1]) == 2 / 32
    assert sign_flip([1, -1, 1, -1]) == 1.0
    assert sign_flip([3, 1, 0, 0, 0]) == 2 / 4
    assert sign_flip([0.0, 0.0, 0.7]) is None
    assert sign_flip(np.full(100, 0.1)) == 1 / 10_001


def test_sampled_sign_flips_agree_with_all_of_them():
    values = np.random.default_rng(5).normal(0.4, 1, 13)
    padded = np.concatenate([values, [1e-12, -1e-12]])  # 15 values: too many to enumerate
    assert sign_flip(padded, resamples=40_000) == pytest.approx(sign_flip(values), abs=0.01)


def test_mcnemar_known_answers():
    assert mcnemar([True] * 5, [False] * 5) == 2 / 32
    assert mcnemar([True] * 8 + [False] * 2, [False] * 8 + [True] * 2) == pytest.approx(0.109375)
    assert mcnemar([True, False, True], [True, False, True]) is None


def test_wilson_known_answers():
    assert (wilson(98, 100).low, wilson(98, 100).high) == pytest.approx((0.92999, 0.99450), abs=1e-5)
    assert wilson(0, 10).low == pytest.approx(0, abs=1e-12)
    assert wilson(0, 10).high == pytest.approx(0.27753, abs=1e-5)
    assert wilson(0, 0) is None


def test_holm_corrects_for_every_claim_also_those_that_cannot_be_tested():
    assert holm([0.01, 0.04]) == [0.02, 0.04]
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.01, None]) == [0.02, None]
    assert holm([]) == []


def test_items_needed_and_smallest_effect_are_each_others_inverse():
    values = np.random.default_rng(6).normal(0, 1, 500)
    effect = smallest_detectable(values)
    assert items_needed(values, effect) == pytest.approx(500, abs=1)
    assert items_needed(values, effect / 2) == pytest.approx(2000, abs=2)
    assert items_needed(values, 0.0) is None


def test_by_simulation_the_interval_covers_and_the_test_keeps_its_level():
    rng, covered, false_alarms, trials = np.random.default_rng(7), 0, 0, 400
    for trial in range(trials):
        values = rng.exponential(1, 100) - 1  # skewed, true mean 0
        interval = bootstrap(values, seed=trial, resamples=1000)
        covered += interval.low <= 0 <= interval.high
        symmetric = rng.normal(0, 1, 40)
        false_alarms += sign_flip(symmetric, trial, resamples=1000) < 0.05
    assert 0.91 <= covered / trials <= 0.98
    assert 0.02 <= false_alarms / trials <= 0.085
