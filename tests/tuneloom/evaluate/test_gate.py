"""The gate: promote, refuse, or say that it cannot tell; by known cases and by simulation."""

import numpy as np
import pyarrow as pa
import pytest

from tuneloom.config import Gate
from tuneloom.evaluate.gate import decide
from tuneloom.evaluate.gate_plan import DataFacts, GatePlan, Leak, Measured, item_set
from tuneloom.evaluate.items import ITEMS
from tuneloom.evaluate.outputs import Tally

MEASURED = {
    "loss": Measured("lower", "mean", None, "loss", "held_out"),
    "exact_match": Measured("higher", "share", 1.0, "exact_match", "held_out"),
    "rouge_l": Measured("higher", "mean", 1.0, "rouge_l", "held_out"),
}
WORDS = ["exact_match", "rouge_l"]
RNG = np.random.default_rng(0)


def scored(**models) -> pa.Table:
    """`scored(base={"loss": [1, 2]}, tuned={...})` -> a table of items."""
    rows = [
        {"model": model, "metric": metric, "id": f"{i:05d}", "task": "t", "value": float(value)}
        for model, metrics in models.items()
        for metric, values in metrics.items()
        for i, value in enumerate(values)
    ]
    return pa.Table.from_pylist(rows, schema=ITEMS)


def plan_of(gate: Gate | None = None, measured=MEASURED, words=WORDS, data=None, uses=None, n=100) -> GatePlan:
    sets = {"held_out": item_set(f"{i:05d}" for i in range(n))}
    return GatePlan(gate or Gate(), measured, tuple(words), sets, data or DataFacts(), uses or {}, 0)


def judge(table: pa.Table, gate: Gate | None = None, tallies=(), **more) -> dict:
    return decide(table, tallies, plan_of(gate, **more))


def decisive(verdict: dict) -> list[dict]:
    return [c for c in verdict["conditions"] if c["kind"] in ("gain", "watch")]


def noisy(mean: float, n: int = 100, spread: float = 0.3, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, spread, n)


BASE = {"loss": noisy(2.0), "exact_match": [0] * 48, "rouge_l": noisy(0.3, 48, 0.05)}
RIGHT = {"exact_match": [1] * 20 + [0] * 28, "rouge_l": BASE["rouge_l"] + noisy(0.2, 48, 0.05, 3)}
WORSE_WORDS = noisy(-0.2, 48, 0.01, 5)
BETTER_LOSS, WORSE_LOSS = BASE["loss"] + noisy(-0.3, seed=2), BASE["loss"] + noisy(0.3, seed=2)


def test_better_than_the_base_in_loss_and_in_words_is_promoted():
    verdict = judge(scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT}))
    assert (verdict["verdict"], verdict["baseline"], verdict["n"]) == ("promote", "base", 100)
    loss, words = decisive(verdict)
    assert (loss["metric"], loss["direction"], loss["met"]) == ("loss", "lower", True)
    assert loss["low"] < loss["estimate"] < loss["high"] < 0
    assert loss["p"] < 0.05
    assert words["needed"] == "better in one metric and worse in none of exact_match, rouge_l"
    assert verdict["metrics"]["exact_match"]["difference"] == pytest.approx(20 / 48)
    assert verdict["rows_needed"] is None


@pytest.mark.parametrize("baseline", ["base", "champion"])
@pytest.mark.parametrize("wrong", [199, 200])
def test_a_model_that_lost_all_its_answers_is_refused_however_good_its_loss(baseline, wrong):
    """All 200 wrong have no spread, and are no less worse for it than 199."""
    right = {"loss": noisy(2.0, 200), "exact_match": [1] * 200}
    tuned = {"loss": right["loss"] + noisy(-0.3, 200, seed=2), "exact_match": [0] * wrong + [1] * (200 - wrong)}
    models = {"base": right, baseline: right, "tuned": tuned}
    verdict = judge(scored(**models), Gate(guards={"exact_match": 0.05}))
    assert verdict["verdict"] == "refuse"
    assert verdict["metrics"]["exact_match"]["outcome"] == "worse"
    (guard,) = (c for c in verdict["conditions"] if c["kind"] == "guard")
    assert (guard["state"], guard["blocking"]) == ("failed", True)


def test_all_answers_wrong_before_and_right_now_is_better():
    wrong, right = {"loss": noisy(2.0, 200), "exact_match": [0] * 200}, [1] * 200
    verdict = judge(
        scored(base=wrong, tuned={"loss": wrong["loss"] + noisy(-0.3, 200, seed=2), "exact_match": right}),
        Gate(better=("loss", "exact_match"), guards={"exact_match": 0.05}),
    )
    assert verdict["verdict"] == "promote"
    assert {c["state"] for c in verdict["conditions"] if c["kind"] == "guard"} == {"met"}


def test_few_items_that_all_changed_alike_tell_nothing():
    assert judge(scored(base={"exact_match": [1] * 5}, tuned={"exact_match": [0] * 5}))["verdict"] == "inconclusive"


def test_one_generation_metric_is_enough_against_the_base():
    tuned = {"loss": BETTER_LOSS, "exact_match": RIGHT["exact_match"], "rouge_l": BASE["rouge_l"]}
    assert judge(scored(base=BASE, tuned=tuned))["verdict"] == "promote"


def test_better_in_loss_alone_cannot_be_promoted_without_a_champion():
    verdict = judge(scored(base=BASE, tuned={**BASE, "loss": BETTER_LOSS}))
    assert verdict["verdict"] == "inconclusive"


def test_worse_in_loss_is_refused_whatever_the_words_say():
    assert judge(scored(base=BASE, tuned={"loss": WORSE_LOSS, **RIGHT}))["verdict"] == "refuse"


def test_worse_words_and_none_better_are_refused():
    tuned = {"loss": BETTER_LOSS, "exact_match": BASE["exact_match"], "rouge_l": BASE["rouge_l"] - 0.2}
    tuned["rouge_l"] = tuned["rouge_l"] + noisy(0, 48, 0.01, 5)
    assert judge(scored(base=BASE, tuned=tuned))["verdict"] == "refuse"


def test_better_in_one_metric_of_words_and_worse_in_another_is_not_settled_against_the_base():
    tuned = {"loss": BETTER_LOSS, "exact_match": RIGHT["exact_match"], "rouge_l": BASE["rouge_l"] + WORSE_WORDS}
    verdict = judge(scored(base=BASE, tuned=tuned))
    assert verdict["verdict"] == "inconclusive"
    assert "generated answers are better in exact_match, but worse in rouge_l" in verdict["reason"]
    assert verdict["rows_needed"] is None
    assert [(c["metric"], c["met"]) for c in decisive(verdict)] == [("loss", True), ("rouge_l", False)]


def test_worse_than_the_champion_in_any_metric_is_refused_and_the_metric_is_named():
    tuned = {"loss": BETTER_LOSS, "exact_match": RIGHT["exact_match"], "rouge_l": BASE["rouge_l"] + WORSE_WORDS}
    verdict = judge(scored(base=BASE, champion=BASE, tuned=tuned))
    assert (verdict["verdict"], verdict["baseline"]) == ("refuse", "champion")
    assert "worse in rouge_l" in verdict["reason"]
    assert [(c["metric"], c["met"]) for c in decisive(verdict)] == [("loss", True), ("rouge_l", False)]


def test_a_loss_that_the_gate_does_not_ask_for_may_not_be_worse_than_the_champions_either():
    tuned = {**BASE, "loss": WORSE_LOSS, "exact_match": RIGHT["exact_match"]}
    gate = Gate(better=("exact_match",))
    assert judge(scored(base=BASE, champion=BASE, tuned=tuned), gate)["verdict"] == "refuse"
    assert judge(scored(base=BASE, tuned=tuned), gate)["verdict"] == "promote"


def test_the_same_model_is_never_better():
    verdict = judge(scored(base=BASE, tuned=BASE))
    assert verdict["verdict"] == "inconclusive"
    assert {m["outcome"] for m in verdict["metrics"].values()} == {"undecided"}
    assert verdict["metrics"]["loss"]["low"] is None
    assert verdict["rows_needed"] is None


def test_swapping_the_models_flips_every_sign():
    there = judge(scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT}))
    back = judge(scored(tuned=BASE, base={"loss": BETTER_LOSS, **RIGHT}))
    assert (there["verdict"], back["verdict"]) == ("promote", "refuse")
    for metric, found in there["metrics"].items():
        other = back["metrics"][metric]
        assert other["difference"] == pytest.approx(-found["difference"])
        assert (other["low"], other["high"]) == pytest.approx((-found["high"], -found["low"]))
        assert other["p"] == found["p"]


def test_too_few_rows_are_inconclusive_and_the_number_needed_is_told():
    few = {"loss": BASE["loss"][:6]}
    verdict = judge(scored(base=few, tuned={"loss": few["loss"] + noisy(-0.1, 6, 0.3, 4)}))
    assert verdict["verdict"] == "inconclusive"
    assert verdict["conditions"][0]["met"] is False
    one = judge(scored(base={"loss": [1.0]}, tuned={"loss": [0.5]}))
    assert (one["verdict"], one["n"]) == ("inconclusive", 1)
    assert "Too few rows" in one["reason"]


def test_no_rows_at_all_are_inconclusive():
    verdict = judge(ITEMS.empty_table())
    assert (verdict["verdict"], verdict["n"]) == ("inconclusive", 0)


def test_the_rows_needed_would_indeed_tell():
    """80 % power: of 20 repetitions with that many rows and the difference seen, most find it."""
    rng = np.random.default_rng(3)
    base, gains = rng.normal(2, 1, 40), rng.normal(0, 1, 40)
    gains = (gains - gains.mean()) / gains.std() * 0.3 - 0.07
    first = judge(scored(base={"loss": base}, tuned={"loss": base + gains}))
    needed, seen = first["rows_needed"], first["metrics"]["loss"]["difference"]
    assert first["verdict"] == "inconclusive"
    assert 40 < needed < 2000
    hits = 0
    for _ in range(20):
        base = rng.normal(2, 1, needed)
        again = scored(base={"loss": base}, tuned={"loss": base + rng.normal(seen, gains.std(), needed)})
        hits += judge(again)["metrics"]["loss"]["outcome"] == "better"
    assert hits >= 12


def test_a_champion_is_the_baseline_and_better_loss_is_enough_where_words_are_not_worse():
    champion = {"loss": BASE["loss"], "exact_match": RIGHT["exact_match"], "rouge_l": RIGHT["rouge_l"]}
    verdict = judge(scored(base=BASE, champion=champion, tuned={**champion, "loss": BETTER_LOSS}))
    assert (verdict["verdict"], verdict["baseline"]) == ("promote", "champion")
    assert verdict["metrics"]["loss"]["champion"] == pytest.approx(BASE["loss"].mean())
    assert judge(scored(base=BASE, champion=champion, tuned={**champion, "loss": WORSE_LOSS}))["verdict"] == "refuse"


def test_as_good_as_the_champion_is_inconclusive_and_says_so():
    equal = BASE["loss"] + np.tile([0.002, -0.002], 50)
    verdict = judge(scored(champion={"loss": BASE["loss"]}, tuned={"loss": equal}))
    assert verdict["verdict"] == "inconclusive"
    assert "No worse within the margin of 0.02" in verdict["reason"]


def test_without_generated_answers_the_loss_decides():
    verdict = judge(
        scored(base={"loss": BASE["loss"]}, tuned={"loss": BETTER_LOSS}), words=[], measured={"loss": MEASURED["loss"]}
    )
    assert verdict["verdict"] == "promote"
    assert [c["metric"] for c in decisive(verdict)] == ["loss"]


def test_only_equal_item_sets_are_compared():
    table = scored(base={"loss": BASE["loss"]}, tuned={"loss": BETTER_LOSS[:60]})
    assert judge(table)["metrics"]["loss"]["n"] == 60


def test_the_order_of_the_items_does_not_matter():
    table = scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT})
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))
    assert judge(table) == judge(shuffled)


@pytest.mark.parametrize("true_gain", [0.0, -0.05])
def test_by_simulation_a_model_that_is_no_better_is_hardly_ever_promoted(true_gain):
    rng, promoted, trials = np.random.default_rng(11), 0, 60
    for _ in range(trials):
        base = rng.normal(2, 1, 100)
        tuned = base - true_gain + rng.normal(0, 0.2, 100)
        words = {name: rng.integers(0, 2, 48) for name in WORDS}
        again = {name: rng.integers(0, 2, 48) for name in WORDS}
        table = scored(champion={"loss": base, **words}, tuned={"loss": tuned, **again})
        promoted += judge(table)["verdict"] == "promote"
    assert promoted / trials <= (0.07 if true_gain == 0 else 0.0)


def test_a_suite_row_in_the_training_rows_is_refused_however_good_the_scores_are():
    good = scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT})
    assert judge(good, data=DataFacts(contaminated=()))["verdict"] == "promote"
    leaked = judge(good, data=DataFacts(contaminated=(Leak("mood_en", "Dull.", ("made:rows.jsonl:7",)),)))
    assert leaked["verdict"] == "refuse"
    assert "contamination (no suite row in the training rows) is failed" in leaked["reason"]
    assert 'mood_en "Dull." in made:rows.jsonl:7: take down those rows' in leaked["reason"]


def test_a_breached_ledger_and_a_jump_in_rejects_are_refused():
    good = scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT})
    assert judge(good, data=DataFacts(breach="dedup lost 3 rows"))["verdict"] == "refuse"
    rates = [(0.12, 0.1, "promote"), (0.3, 0.1, "refuse"), (0.3, None, "promote")]
    for own, champion, wanted in rates:
        facts = DataFacts(reject_rate=own, champion_reject_rate=champion)
        assert judge(good, data=facts)["verdict"] == wanted


def test_more_than_half_a_per_cent_of_questions_unasked_void_the_verdict():
    good = scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT})
    few, many = (Tally("mood_en", "tuned", 1000, n, 0, 0, 1000 - n, 9000) for n in (5, 6))
    assert judge(good, tallies=[few])["verdict"] == "promote"
    void = judge(good, tallies=[many])
    assert void["verdict"] == "inconclusive"
    assert "void: 6 of 1000 questions of mood_en" in void["reason"]
    assert void["outputs"][0]["void"]


def test_a_guard_that_the_items_cannot_decide_stops_a_promotion_over_a_champion_and_is_reported_over_the_base():
    same = [1] * 24 + [0] * 24
    gate = Gate(guards={"exact_match": 0.02})
    tuned = {"loss": BETTER_LOSS, "exact_match": same, "rouge_l": RIGHT["rouge_l"]}
    before = {**BASE, "exact_match": same}
    over_base = judge(scored(base=before, tuned=tuned), gate)
    assert over_base["verdict"] == "promote"
    assert "exact_match (no worse by more than 0.02) is undecided, which is reported only" in over_base["reason"]
    over_champion = judge(scored(base=BASE, champion=before, tuned=tuned), gate)
    assert (over_champion["verdict"], over_champion["rows_needed"]) == ("inconclusive", 1578)


def test_a_floor_and_the_cost_are_conditions():
    good = scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT})
    wanted = {0.1: "promote", 0.4: "inconclusive", 0.9: "refuse"}
    for bound, verdict in wanted.items():
        assert judge(good, Gate(floors={"exact_match": bound}))["verdict"] == verdict
    assert judge(good, Gate(floors={"loss": 2.0}))["verdict"] == "promote"
    assert judge(good, Gate(floors={"loss": 1.0}))["verdict"] == "refuse"
    lengths = [Tally("held_out", model, 48, 0, 0, 0, 48, tokens) for model, tokens in (("base", 480), ("tuned", 960))]
    assert judge(good, Gate(cost=2.5), tallies=lengths)["verdict"] == "promote"
    assert judge(good, Gate(cost=1.5), tallies=lengths)["verdict"] == "refuse"


@pytest.mark.parametrize(("score", "state"), [(1.0, "met"), (0.0, "failed"), (0.5, "undecided")])
def test_a_floor_is_decided_where_all_items_have_one_score(score, state):
    verdict = judge(scored(base=BASE, tuned={**BASE, "rouge_l": [score] * 48}), Gate(floors={"rouge_l": 0.5}))
    assert {c["state"] for c in verdict["conditions"] if c["kind"] == "floor"} == {state}
    few = judge(scored(base=BASE, tuned={**BASE, "rouge_l": [1.0] * 5}), Gate(floors={"rouge_l": 0.95}))
    assert {c["state"] for c in few["conditions"] if c["kind"] == "floor"} == {"undecided"}


def test_the_claims_of_better_are_corrected_for_being_several():
    base, gains = noisy(2, 60), noisy(-0.055, 60, 0.2, 8)
    scores = {"loss": base, "exact_match": [0, 1] * 30, "rouge_l": noisy(0.3, 60, 0.05)}
    table = scored(champion=scores, tuned={**scores, "loss": base + gains})
    alone = judge(table)["metrics"]["loss"]["p"]
    among = judge(table, Gate(better=("loss", "rouge_l")))["metrics"]["loss"]["p"]
    assert among == pytest.approx(2 * alone)


def test_the_same_model_is_never_better_in_any_seed_or_kind_of_metric():
    for seed in range(5):
        scores = {"loss": noisy(2, seed=seed), "exact_match": noisy(0, seed=seed) > 0, "rouge_l": noisy(0.5, seed=seed)}
        verdict = judge(scored(champion=scores, tuned=scores), Gate(guards={"rouge_l": 0.5}))
        assert verdict["verdict"] == "inconclusive"
        assert {m["outcome"] for m in verdict["metrics"].values()} == {"undecided"}


def test_a_score_that_is_not_a_number_is_an_error():
    with pytest.raises(ValueError, match="not a number"):
        judge(scored(base={"loss": [1.0, 2.0]}, tuned={"loss": [1.0, float("nan")]}))
