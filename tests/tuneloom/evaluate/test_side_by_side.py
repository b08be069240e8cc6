"""Two models side by side: signs, tests, corrections, and what the page may not say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.evaluate.comparison import Scores
from tuneloom.evaluate.gate_plan import Measured
from tuneloom.evaluate.outputs import OUTPUTS
from tuneloom.evaluate.side_by_side import comparison_page, left_out, scores_of, side_by_side
from tuneloom.evaluate.sides import Asked, Side
from tuneloom.statistics import mcnemar

SHARE = Measured("higher", "share", 1.0, "accuracy", "mood")
GRADED = Measured("higher", "mean", 1.0, "rouge_l", "texts")
LOSS = Measured("lower", "mean", None, "loss", "held_out")
F1 = Measured("higher", "corpus", 1.0, "macro_f1", "mood")
MEASURED = {"mood.accuracy": SHARE, "texts.rouge_l": GRADED, "loss": LOSS, "mood.macro_f1": F1}


def scores(values, clusters=None, parts=None) -> Scores:
    ids = tuple(f"{i:04d}" for i in range(len(values)))
    return Scores(ids, np.asarray(values, np.float64), tuple(clusters or ids), parts)


def side(name: str, measured=None, base="b", settings=None, **by) -> Side:
    known = {metric: found if isinstance(found, Scores) else scores(found) for metric, found in by.items()}
    asked = {f"{i:04d}": Asked(f"secret question {i}", ("secret",)) for i in range(50)}
    measured = measured or {metric: MEASURED[metric] for metric in known}
    return Side(name, base, known, OUTPUTS.empty_table(), asked, measured, settings or {"mood": "1"})


@st.composite
def two_models(draw):
    """Two models scored on the same items in every kind of metric, items alone or in clusters."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, lift = draw(st.integers(2, 40)), draw(st.sampled_from([0.0, 0.1, 0.6]))
    clusters = [f"c{i // 3}" for i in range(n)] if draw(st.booleans()) else None

    def one(name: str, more: float) -> Side:
        hits = rng.random(n) < 0.3 + more
        parts = np.stack([hits, ~hits, ~hits, ~hits, hits, hits], 1).astype(float)
        by = {
            "mood.accuracy": scores(hits, clusters),
            "texts.rouge_l": scores(np.clip(rng.random(n) + more, 0, 1), clusters),
            "loss": scores(rng.random(n) - more, clusters),
            "mood.macro_f1": scores(hits, clusters, parts),
        }
        return side(name, **by)

    return one("first", lift), one("second", 0.0)


@given(two_models())
@settings(max_examples=15)
def test_swapping_the_models_flips_every_sign_and_no_p_value(models):
    first, second = models
    there, back = side_by_side(first, second), side_by_side(second, first)
    turned = {"better": "worse", "worse": "better", "undecided": "undecided"}
    for a, b in zip(there, back, strict=True):
        assert (a.first, a.second, a.wins, a.losses) == (b.second, b.first, b.losses, b.wins)
        assert a.difference == pytest.approx(-b.difference, abs=1e-12)
        assert a.outcome == turned[b.outcome]
        assert a.p == b.p
        if a.low is not None:
            assert (a.low, a.high) == pytest.approx((-b.high, -b.low), abs=1e-9)


@given(two_models())
@settings(max_examples=15)
def test_a_model_against_itself_is_never_better(models):
    for one in side_by_side(models[0], models[0]):
        assert (one.outcome, one.difference, one.wins, one.losses) == ("undecided", 0.0, 0, 0)


def test_right_and_wrong_is_mcnemars_test_and_all_claims_are_corrected_for_being_several():
    rng = np.random.default_rng(1)
    first = {"mood.accuracy": rng.random(40) < 0.8, "texts.rouge_l": rng.random(40) + 0.5}
    second = {"mood.accuracy": rng.random(40) < 0.3, "texts.rouge_l": rng.random(40)}
    accuracy, rouge = side_by_side(side("a", **first), side("b", **second))
    assert (accuracy.test, rouge.test) == ("McNemar", "flipped signs")
    assert accuracy.p_alone == mcnemar(first["mood.accuracy"], second["mood.accuracy"])
    least, most = sorted([accuracy, rouge], key=lambda one: one.p_alone)
    assert (least.p, most.p) == (2 * least.p_alone, max(most.p_alone, least.p))
    assert (accuracy.outcome, rouge.outcome) == ("better", "better")


def test_what_means_another_thing_in_the_other_is_left_out_and_named():
    here = side("a", **{"mood.accuracy": [1, 0, 1], "loss": [1, 2, 3]})
    asked_otherwise = side("b", settings={"mood": "2"}, **{"mood.accuracy": [1, 0, 1], "loss": [1, 2, 3]})
    other_tokens = side("c", base="other", **{"mood.accuracy": [1, 0, 1], "loss": [1, 2, 3]})
    assert [one.metric for one in side_by_side(here, asked_otherwise)] == ["loss"]
    assert left_out(here, asked_otherwise) == ["mood.accuracy"]
    assert left_out(here, other_tokens) == ["loss"]


def test_each_score_has_its_interval_and_what_so_many_items_can_tell():
    accuracy, loss = scores_of(side("a", **{"mood.accuracy": [1] * 30 + [0] * 10, "loss": [1.0, 2.0, 3.0]}))
    assert accuracy.low < accuracy.score == 0.75 < accuracy.high
    assert accuracy.detectable == pytest.approx(0.14, abs=0.01)
    assert loss.detectable is None


def test_the_page_that_stays_in_the_store_says_no_rows_words():
    a, b = side("a", **{"mood.accuracy": [1, 0, 1]}), side("b", **{"mood.accuracy": [0, 0, 1]})
    page = comparison_page(a, b, side_by_side(a, b), ["loss"])
    assert "mood.accuracy | higher | 0.6667 | 0.3333 | 0.3333" in page
    assert "Not compared: loss." in page
    assert "secret" not in page
