"""Pairs: equal item sets, clusters, McNemar where it belongs, corpus metrics computed anew."""

import numpy as np
import pyarrow as pa
import pytest

from tuneloom.evaluate.comparison import compare, interval_of, judged, pair, read_scores, score_of
from tuneloom.evaluate.gate_plan import Measured
from tuneloom.evaluate.items import ITEMS
from tuneloom.statistics import mcnemar, wilson

SHARE = Measured("higher", "share", 1.0, "accuracy", "mood")
F1 = Measured("higher", "corpus", 1.0, "macro_f1", "mood")
RNG = np.random.default_rng(0)


def items(metric: str, clusters=None, parts=None, **models) -> pa.Table:
    rows = [
        {
            "model": model, "metric": metric, "id": f"{i:04d}", "value": float(value), "suite": "mood",
            "cluster": clusters[i] if clusters else f"{i:04d}", "parts": parts[model][i] if parts else None,
        }
        for model, values in models.items()
        for i, value in enumerate(values)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, ITEMS)


def test_right_and_wrong_on_independent_items_is_mcnemars_test():
    tuned, base = RNG.integers(0, 2, 60), RNG.integers(0, 2, 60)
    found, _ = compare(pair(read_scores(items("a", tuned=tuned, base=base)), "base", "a"), "a", SHARE, 0.95, 0)
    assert found.p == mcnemar(tuned == 1, base == 1)
    assert (found.n, found.clusters, found.estimate) == (60, 60, pytest.approx(tuned.mean() - base.mean()))


def test_items_of_one_passage_are_one_cluster_and_never_mcnemars():
    base, labels = RNG.integers(0, 2, 60), [f"passage {i // 6}" for i in range(60)]
    tuned = np.where(np.arange(60) // 6 < 5, 1, base)
    table = items("a", labels, tuned=tuned, base=base)
    found, spread = compare(pair(read_scores(table), "base", "a"), "a", SHARE, 0.95, 0)
    free, narrow = compare(pair(read_scores(items("a", tuned=tuned, base=base)), "base", "a"), "a", SHARE, 0.95, 0)
    assert found.clusters == 10
    assert found.high - found.low > free.high - free.low
    assert found.p > free.p
    assert spread > narrow


def test_only_items_that_both_models_have_are_compared():
    table = items("a", tuned=[1, 0, 1, 1], base=[0, 0])
    found, _ = compare(pair(read_scores(table), "base", "a"), "a", SHARE, 0.95, 0)
    assert (found.n, found.estimate) == (2, 0.5)
    assert pair(read_scores(table), "champion", "a") is None
    assert compare(None, "a", SHARE, 0.95, 0)[0].n == 0


def test_a_corpus_metric_is_that_of_the_sums_and_not_the_mean_of_the_items():
    parts = {
        model: [[float(h), 0.0, 1.0 - h, 0.0, 0.0, 1.0 - h] for h in hits]
        for model, hits in (("tuned", [1, 1, 1, 0, 1, 1]), ("base", [1, 0, 0, 0, 1, 1]))
    }
    scores = read_scores(items("f", None, parts, tuned=[0] * 6, base=[0] * 6))
    assert score_of(scores["tuned"]["f"], F1) == pytest.approx((10 / 11 + 0) / 2)
    found, _ = compare(pair(scores, "base", "f"), "f", F1, 0.95, 0)
    assert found.estimate == pytest.approx((10 / 11) / 2 - (6 / 9) / 2)
    assert found.low < found.estimate < found.high


def test_a_single_share_has_wilsons_interval():
    scores = read_scores(items("a", tuned=[1] * 37 + [0] * 11))["tuned"]["a"]
    assert interval_of(scores, SHARE, 0.95, 0) == wilson(37, 48)


def test_an_item_that_is_scored_twice_is_an_error():
    table = items("a", tuned=[1, 0])
    with pytest.raises(ValueError, match="twice"):
        read_scores(pa.concat_tables([table, table]))


def test_swapping_the_models_flips_every_sign_of_every_kind_of_metric():
    parts = {m: RNG.integers(0, 2, (40, 6)).astype(float).tolist() for m in ("tuned", "base")}
    values = {m: RNG.integers(0, 2, 40) for m in ("tuned", "base")}
    labels = [f"{i // 4}" for i in range(40)]
    for measured, given in ((SHARE, None), (F1, parts)):
        for clusters in (None, labels):
            there = read_scores(items("m", clusters, given, **values))
            back = {"tuned": there["base"], "base": there["tuned"]}
            a, b = (compare(pair(s, "base", "m"), "m", measured, 0.95, 3)[0] for s in (there, back))
            assert (a.estimate, a.low, a.high) == pytest.approx((-b.estimate, -b.high, -b.low))
            assert a.p == b.p


def test_a_loss_that_differs_by_less_than_losses_are_exact_to_is_no_better_however_surely():
    loss = Measured("lower", "mean", None, "loss", "held_out")
    base = RNG.normal(2, 0.3, 100)
    for gain, outcome in ((1e-6, "undecided"), (2e-3, "better")):
        table = items("loss", tuned=base - gain * RNG.uniform(0.9, 1.1, 100), base=base)
        found, _ = compare(pair(read_scores(table), "base", "loss"), "loss", loss, 0.95, 0)
        assert found.p < 0.01
        assert judged(found, found.p, 0.95).outcome == outcome
