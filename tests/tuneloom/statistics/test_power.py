"""Items needed and differences that can be told: published numbers, each other's inverse."""

import math

import pytest

from tuneloom.statistics import detectable_before, items_for


def test_items_needed_and_smallest_difference_are_each_others_inverse():
    assert items_for(math.sqrt(0.1), detectable_before(500), 0.975) == pytest.approx(500, abs=1)
    assert items_for(math.sqrt(0.1), 0.0, 0.975) is None


@pytest.mark.parametrize(("margin", "items"), [(0.01, 6183), (0.02, 1546), (0.03, 687), (0.05, 248)])
def test_a_margin_needs_the_items_that_an_equal_model_passes_with_in_four_of_five_cases(margin, items):
    """One-sided 5 %, power 80 %, one item in ten changing."""
    assert items_for(math.sqrt(0.1), margin, 0.95) == items


@pytest.mark.parametrize(("n", "points"), [(200, 6.3), (450, 4.2), (1000, 2.8), (5000, 1.3)])
def test_what_can_be_told_is_known_before_the_run(n, points):
    assert 100 * detectable_before(n) == pytest.approx(points, abs=0.06)
    assert detectable_before(n, 100) == pytest.approx(points, abs=0.06)


def test_nothing_can_be_told_from_nothing():
    assert detectable_before(0) is None
    assert items_for(0.0, 0.1, 0.95) is None
    assert detectable_before(1) <= 1.0
