"""Corpus metrics of two models: computed anew for every resample, never averaged over items."""

import numpy as np
import pytest

from tuneloom.statistics import bootstrap, corpus_bootstrap, corpus_sign_flip, sign_flip

RNG = np.random.default_rng(0)
MEAN = np.stack([RNG.normal(0.5, 0.2, 60), np.ones(60)], axis=1)
OTHER = np.stack([MEAN[:, 0] - RNG.normal(0.05, 0.1, 60), np.ones(60)], axis=1)


def mean(sums):
    """A mean as a corpus metric: sums of (value, 1)."""
    return sums[:, 0] / sums[:, 1]


def f1(sums):
    """Sums of (right, falsely given, missed)."""
    return 2 * sums[:, 0] / np.maximum(2 * sums[:, 0] + sums[:, 1] + sums[:, 2], 1)


def test_of_a_mean_it_is_the_plain_bootstrap_and_the_plain_test():
    found, plain = corpus_bootstrap(MEAN, OTHER, mean), bootstrap(MEAN[:, 0] - OTHER[:, 0])
    assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high))
    assert corpus_sign_flip(MEAN, OTHER, mean) == pytest.approx(sign_flip(MEAN[:, 0] - OTHER[:, 0]), abs=0.005)


def test_of_a_ratio_it_is_not_the_mean_of_the_items_ratios():
    rare = np.array([[1, 0, 0]] + [[0, 0, 0]] * 50 + [[0, 1, 1]] * 5, float)
    found = corpus_bootstrap(rare, None, f1)
    assert found.estimate == pytest.approx(2 / 12)
    assert found.estimate > 5 * np.mean([float(f1(row[None])[0]) for row in rare])


def test_swapping_the_models_flips_every_sign():
    a, b = (RNG.integers(0, 2, (40, 3)).astype(float) for _ in range(2))
    there, back = corpus_bootstrap(a, b, f1, seed=2), corpus_bootstrap(b, a, f1, seed=2)
    assert (there.estimate, there.low, there.high) == pytest.approx((-back.estimate, -back.high, -back.low))
    assert corpus_sign_flip(a, b, f1) == corpus_sign_flip(b, a, f1)


def test_a_model_against_itself_has_no_interval_and_no_p_value():
    assert corpus_bootstrap(MEAN, MEAN, mean) is None
    assert corpus_sign_flip(MEAN, MEAN, mean) is None
    assert corpus_bootstrap(MEAN[:1], None, mean) is None


def test_clusters_are_drawn_whole():
    parts = np.stack([np.repeat(RNG.normal(0.5, 0.2, 8), 10), np.ones(80)], axis=1)
    labels = np.repeat(np.arange(8), 10).tolist()
    free, clustered = corpus_bootstrap(parts, None, mean), corpus_bootstrap(parts, None, mean, clusters=labels)
    assert clustered.high - clustered.low > 2 * (free.high - free.low)


def test_few_differences_are_counted_exactly():
    a = np.tile([0.0, 1.0], (30, 1))
    b = a.copy()
    a[:5, 0] = 1
    assert corpus_sign_flip(a, b, mean) == 2 / 32
