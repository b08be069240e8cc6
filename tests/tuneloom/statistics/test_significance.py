"""Tests of paired scores: known answers, other packages' numbers."""

import numpy as np
import pytest

from tuneloom.statistics import holm, mcnemar, sign_flip


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


def test_holm_corrects_for_every_claim_also_those_that_cannot_be_tested():
    assert holm([0.01, 0.04]) == [0.02, 0.04]
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.01, None]) == [0.02, None]
    assert holm([]) == []


def test_exact_sign_flips_are_scipys():
    """scipy 1.17.1, stats.permutation_test(..., permutation_type="samples") of the eleven that are not 0."""
    values = [0.3, -0.1, 0.5, 0.2, 0.0, 0.7, -0.4, 0.1, 0.6, 0.2, 0.3, -0.2]
    assert sign_flip(values) == pytest.approx(0.095703125, abs=1e-12)


def test_flips_of_equal_sizes_by_counts_agree_with_mcnemar():
    values = np.array([1.0] * 30 + [-1.0] * 14 + [0.0] * 60)
    assert sign_flip(values) == pytest.approx(mcnemar(values > 0, values < 0), abs=0.006)


def test_a_cluster_flips_as_one():
    values, labels = np.repeat([0.2, 0.1, 0.3, 0.25, 0.15], 20), np.repeat(np.arange(5), 20).tolist()
    assert sign_flip(values, clusters=labels) == 2 / 32
    assert sign_flip(values) < 0.001


def test_mcnemar_and_holm_are_statsmodels():
    """statsmodels 0.15.0, mcnemar([[30, 12], [4, 54]], exact=True) and multipletests(method="holm")."""
    first = [True] * 12 + [False] * 4 + [True] * 30 + [False] * 54
    second = [False] * 12 + [True] * 4 + [True] * 30 + [False] * 54
    assert mcnemar(first, second) == pytest.approx(0.076812744140625, abs=1e-12)
    assert holm([0.01, 0.04, 0.03, 0.2]) == pytest.approx([0.04, 0.09, 0.09, 0.2])
