"""Intervals and tests: known answers, behaviour at the edges, and simulations of what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.statistics import (
    bootstrap,
    clustered_t,
    sign_flip,
    widest,
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


def test_wilson_known_answers():
    assert (wilson(98, 100).low, wilson(98, 100).high) == pytest.approx((0.92999, 0.99450), abs=1e-5)
    assert wilson(0, 10).low == pytest.approx(0, abs=1e-12)
    assert wilson(0, 10).high == pytest.approx(0.27753, abs=1e-5)
    assert wilson(0, 0) is None


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


DIFFERENCES = [0.3, -0.1, 0.5, 0.2, 0.0, 0.7, -0.4, 0.1, 0.6, 0.2, 0.3, -0.2]
CLUSTERS = [0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 4, 4]


def test_a_t_interval_is_scipys():
    """scipy 1.17.1, stats.ttest_1samp(...).confidence_interval(0.95)."""
    found = clustered_t(DIFFERENCES)
    assert (found.low, found.high) == pytest.approx((-0.02447208830916761, 0.3911387549758343), abs=1e-12)


def test_a_clustered_error_is_statsmodels_with_c_over_c_minus_1_and_t_of_c_minus_1():
    """statsmodels 0.15.0, OLS on a constant with cov_type="cluster", use_correction=False: 0.04631481, by sqrt(5/4)."""
    found = clustered_t(DIFFERENCES, clusters=CLUSTERS)
    assert found.error == pytest.approx(0.051781533006409045, abs=1e-12)
    assert found.freedom == 4
    assert (found.low, found.high) == pytest.approx((0.03956474947805094, 0.3271019171886157), abs=1e-12)


def test_five_clusters_need_t_and_the_normal_quantile_covers_too_little():
    rng, by_t, by_z, trials = np.random.default_rng(12), 0, 0, 600
    labels = np.repeat(np.arange(5), 10).tolist()
    for _ in range(trials):
        values = np.repeat(rng.normal(0, 1, 5), 10) + rng.normal(0, 1, 50)
        found = clustered_t(values, clusters=labels)
        by_t += found.low <= 0 <= found.high
        by_z += abs(found.estimate) <= 1.96 * found.error
    assert by_t / trials >= 0.93
    assert by_z / trials <= 0.91


def test_a_bootstrap_of_few_values_draws_from_the_same_distribution_as_of_many():
    values = np.array([1.0] * 30 + [0.0] * 150 + [-1.0] * 20)
    few, many = bootstrap(values), bootstrap(values + np.arange(200) * 1e-9)
    assert (few.low, few.high) == pytest.approx((many.low, many.high), abs=0.006)


def test_the_widest_interval_holds_both_and_what_is_unknown_stays_so():
    free, clustered = bootstrap(DIFFERENCES), clustered_t(DIFFERENCES)
    both = widest(free, clustered)
    assert (both.low, both.high) == (min(free.low, clustered.low), max(free.high, clustered.high))
    assert widest(free, None) is None


def test_wilson_is_statsmodels():
    """statsmodels 0.15.0, proportion_confint(37, 48, method="wilson")."""
    assert (wilson(37, 48).low, wilson(37, 48).high) == pytest.approx(
        (0.6346073590999655, 0.8669217373308877), abs=1e-9
    )
