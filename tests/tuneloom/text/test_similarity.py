"""True similarity, and stars: known answers, and the plain algorithm as a peer."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.text.kernels import read_only
from tuneloom.text.keys import mixed
from tuneloom.text.shingles import Shingles
from tuneloom.text.similarity import Buckets, Pairs, Part, Stars, similarities, stars


def sets(rows: list[set[int]]) -> Shingles:
    bounds = np.cumsum([0, *(len(row) for row in rows)])
    values = np.array([value for row in rows for value in sorted(row)], np.uint64)
    return Shingles(read_only(bounds), read_only(values))


def test_known_similarities():
    found = similarities(sets([{1, 2, 3}, {2, 3, 4}, {9}, {1, 2, 3}]), np.array([0, 0, 0, 2]), np.array([1, 2, 3, 2]))
    assert found.tolist() == [0.5, 0.0, 1.0, 1.0]


def run(
    prompts: list[set[int]],
    answers: list[set[int]],
    threshold: float,
    scopes: list[int] | None = None,
    missing: frozenset[int] = frozenset(),
    known: Pairs | None = None,
) -> Stars:
    """Stars where all rows are candidates of each other; the sets of rows in `missing` are."""
    count = len(prompts)
    keys = np.array([hash(frozenset(row)) & 0xFFFF for row in answers], np.uint64)
    return stars(
        Buckets(np.arange(count + 1), np.zeros(count, np.int32)),
        Part(sets(prompts), np.arange(count, dtype=np.uint64), threshold),
        Part(sets(answers), keys + np.uint64(1000), threshold),
        np.array(scopes or [0] * count, np.uint64),
        np.array([-1 if row in missing else row for row in range(count)], np.int64),
        mixed(np.arange(count, dtype=np.uint64)),
        known,
    )


def test_t3_stars_are_no_chains():
    """a ~ b ~ c ~ d at 0.8, but a is unlike c: c stays, for its only likeness b is gone."""
    chain = [set(range(start, start + 18)) for start in (0, 2, 4, 6)]
    found = run(chain, [{1}] * 4, 0.8)
    assert found.survivor.tolist() == [-1, 0, -1, 2]
    assert np.allclose(found.similarity[[1, 3]], [[0.8, 1.0], [0.8, 1.0]])
    assert np.isnan(found.similarity[[0, 2]]).all()


def test_t8_the_answer_counts_too():
    prompt = set(range(20))
    assert run([prompt, prompt], [{1}, {2}], 0.8).survivor.tolist() == [-1, -1]
    assert run([prompt, prompt], [{1}, {1}], 0.8).survivor.tolist() == [-1, 0]
    assert run([prompt, prompt], [set(range(10)), set(range(1, 10))], 0.8).survivor.tolist() == [-1, 0]


def test_rows_of_different_scopes_never_meet():
    assert run([{1}] * 3, [{1}] * 3, 0.8, scopes=[1, 2, 1]).survivor.tolist() == [-1, -1, 0]


def test_the_witness_is_the_most_similar_kept_row():
    far, near = set(range(18)) | {100, 101}, set(range(22)) - {0}
    found = run([far, near | {200, 201, 202}, set(range(22))], [{1}] * 3, 0.75)
    assert found.survivor.tolist() == [-1, -1, 1]


def test_what_misses_the_threshold_by_little_is_recorded():
    whole, most, half = set(range(20)), set(range(14)) | {90, 91}, set(range(10))
    found = run([whole, most, half], [{1}] * 3, 0.8)
    assert found.survivor.tolist() == [-1, -1, -1]
    assert np.allclose(found.nearly, [np.nan, 14 / 22, 10 / 16], equal_nan=True), "the nearest kept row, within 0.2"
    nearer = run([whole, set(range(12)) | {90}, set(range(14)), set(range(13))], [{1}] * 4, 0.99)
    assert np.allclose(nearer.nearly[3], 13 / 14), "of several the nearest"
    lost = run([whole, whole | {99}], [{1}] * 2, 0.8)
    assert np.isnan(lost.nearly).all(), "a rejected row has its similarity"


ROW = st.tuples(st.frozensets(st.integers(0, 9), min_size=1), st.frozensets(st.integers(0, 3), min_size=1))


@settings(deadline=None, max_examples=150)
@given(st.lists(ROW, max_size=14), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_stars_are_those_of_the_plain_algorithm(rows: list[tuple[frozenset[int], frozenset[int]]], threshold: float):
    kept: list[int] = []
    expected = []
    for x, row in enumerate(rows):
        likeness = [(_both(row, rows[y], threshold), -y) for y in kept]
        score, best = max(likeness, default=(-1.0, 0))
        expected.append(-best if score >= 0 else -1)
        if score < 0:
            kept.append(x)
    found = run([set(p) for p, _ in rows], [set(a) for _, a in rows], threshold)
    assert found.survivor.tolist() == expected


def _both(left: tuple[frozenset, frozenset], right: tuple[frozenset, frozenset], threshold: float) -> float:
    scores = [len(a & b) / len(a | b) for a, b in zip(left, right, strict=True)]
    return sum(scores) if min(scores) >= threshold - 1e-9 else -1.0


@settings(deadline=None, max_examples=150)
@given(st.lists(ROW, min_size=2, max_size=14), st.data())
def test_known_pairs_and_missing_sets_change_nothing_or_are_said(
    rows: list[tuple[frozenset[int], frozenset[int]]], data: st.DataObject
):
    prompts, answers = [set(p) for p, _ in rows], [set(a) for _, a in rows]
    whole = run(prompts, answers, 0.5)
    assert not whole.lacking.any()
    chosen = data.draw(st.lists(st.booleans(), min_size=len(whole.compared), max_size=len(whole.compared)))
    order = np.argsort(whole.compared.keys)
    order = order[np.array(chosen, bool)[order]]
    known = Pairs(whole.compared.keys[order], whole.compared.similarity[order])
    missing = data.draw(st.frozensets(st.integers(0, len(rows) - 1)))
    found = run(prompts, answers, 0.5, missing=missing, known=known)
    if all(chosen):
        assert not found.lacking.any(), "all that are met are known"
    if not missing:
        assert not found.lacking.any()
        assert len(found.compared) + len(known) == len(whole.compared), "no pair is compared twice"
    if not found.lacking.any():
        assert found.survivor.tolist() == whole.survivor.tolist()
        assert np.array_equal(found.similarity, whole.similarity, equal_nan=True)
        assert np.array_equal(found.nearly, whole.nearly, equal_nan=True)
