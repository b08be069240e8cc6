"""Tango's interval: closed forms, its test statistic turned round, and the items that a margin takes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.statistics import as_was_planned, margin_shown_by, share_items_for, tango

Z = 1.959964


def outcomes(gained: int, lost: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    kind = np.r_[np.ones(gained), -np.ones(lost), np.zeros(n - gained - lost)]
    return kind > 0, kind < 0


def test_where_nothing_changed_the_bounds_have_a_closed_form():
    found = tango(*outcomes(0, 0, 54))
    assert (found.low, found.high) == pytest.approx((-(Z**2) / (54 + Z**2), Z**2 / (54 + Z**2)), abs=1e-6)


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 2, 100), (1, 0, 54), (5, 20, 60)])
def test_the_bounds_are_where_the_score_statistic_reaches_the_quantile(gained, lost, n):
    found = tango(*outcomes(gained, lost, n))
    for true, wanted in ((found.low, Z), (found.high, -Z)):
        shares = np.linspace(max(0, -true), (1 - true) / 2, 200_001)[1:-1]  # of what is lost; gained is that and `true`
        likely = gained * np.log(np.maximum(shares + true, 1e-300)) + lost * np.log(shares)
        likely += (n - gained - lost) * np.log(np.maximum(1 - 2 * shares - true, 1e-300))
        share = shares[likely.argmax()]
        error = math.sqrt(n * (2 * share + true - true**2))
        assert (gained - lost - n * true) / error == pytest.approx(wanted, abs=2e-3)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 200))
def test_swapping_the_models_flips_the_interval_and_it_holds_what_was_seen(gained, lost, more):
    a, b = outcomes(gained, lost, gained + lost + more)
    there, back = tango(a, b), tango(b, a)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert -1 <= there.low < there.estimate < there.high <= 1


def test_items_and_margin_are_each_others_inverse():
    assert [share_items_for(0.1, margin, 0.95) for margin in (0.02, 0.05, 0.1)] == [1578, 274, 81]
    assert margin_shown_by(274, 0.95) == pytest.approx(0.05, abs=1e-4)
    assert share_items_for(0.1, 0.0, 0.95) is None
    assert tango([], []) is None
    with pytest.raises(ValueError, match="paired"):
        tango([1], [1, 0])


def test_a_share_that_changed_belies_the_plan_only_where_it_is_far_off():
    assert as_was_planned(0.14, 274)
    assert not as_was_planned(0.15, 274)
    assert as_was_planned(0.15, 60)
