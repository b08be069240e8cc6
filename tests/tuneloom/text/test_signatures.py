"""MinHash bands: the promised chance, and what two sets share."""

import numpy as np
import pytest

from tuneloom.text.shingles import Shingles
from tuneloom.text.signatures import RECALL, Bands, band_hashes, bands_for


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0])
def test_a_pair_at_the_threshold_is_found_with_the_promised_chance(threshold: float):
    bands = bands_for(threshold)
    assert bands.chance(threshold) >= RECALL
    assert bands.rows == 1 or bands.count * bands.rows <= 128


def test_known_bands():
    assert bands_for(0.8) == Bands(18, 6)
    assert bands_for(0.5) == Bands(40, 3)


def test_bands_hash_sets_not_sequences():
    once, twice = sets([[1, 2, 3]]), sets([[3, 1, 2, 2, 1]])
    bands = bands_for(0.8)
    assert np.array_equal(band_hashes([once], bands), band_hashes([twice], bands))


def test_a_union_may_come_in_parts():
    whole, left, right = sets([[1, 2, 3, 4]]), sets([[1, 2]]), sets([[3, 4]])
    bands = bands_for(0.8)
    assert np.array_equal(band_hashes([whole], bands), band_hashes([left, right], bands))


@pytest.mark.parametrize("similarity", [0.5, 0.8, 0.9])
def test_bands_meet_as_often_as_the_curve_says(similarity: float):
    """2,000 pairs of random sets of 90 with a known similarity; four standard errors of room."""
    pairs, size, bands = 2000, 90, Bands(5, 4)
    shared = round(2 * size * similarity / (1 + similarity))
    random = np.random.default_rng(7)
    rows = []
    for _ in range(pairs):
        values = random.integers(0, 2**64, 2 * size - shared, dtype=np.uint64).tolist()
        rows += [values[:size], values[size - shared :]]
    hashes = band_hashes([sets(rows)], bands)
    met = (hashes[0::2] == hashes[1::2]).any(axis=1).mean()
    true = shared / (2 * size - shared)
    chance = bands.chance(true)
    assert abs(met - chance) < 4 * np.sqrt(chance * (1 - chance) / pairs) + 0.005


def test_hashes_are_pinned():
    hashes = band_hashes([sets([[2**40, 2**50 + 1, 7]])], Bands(2, 3))
    assert hashes.tolist() == [[6625105727419936269, 9733009843466793611]]


def sets(rows: list[list[int]]) -> Shingles:
    bounds = np.cumsum([0, *(len(row) for row in rows)])
    return Shingles(bounds, np.array([value for row in rows for value in row], np.uint64))
