"""The gate: promote, refuse, or say that it cannot tell; by known cases and by simulation."""

import numpy as np
import pyarrow as pa
import pytest

from tuneloom.config import Gate
from tuneloom.evaluate.gate import decide
from tuneloom.evaluate.items import ITEMS

DIRECTIONS = {"loss": "lower", "exact_match": "higher", "rouge_l": "higher"}
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


def judge(table: pa.Table, gate: Gate | None = None, directions=DIRECTIONS, words=WORDS) -> dict:
    return decide(table, gate or Gate(), directions, words, seed=0)


def noisy(mean: float, n: int = 100, spread: float = 0.3, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, spread, n)


BASE = {"loss": noisy(2.0), "exact_match": [0] * 48, "rouge_l": noisy(0.3, 48, 0.05)}
RIGHT = {"exact_match": [1] * 20 + [0] * 28, "rouge_l": BASE["rouge_l"] + noisy(0.2, 48, 0.05, 3)}
WORSE_WORDS = noisy(-0.2, 48, 0.01, 5)
BETTER_LOSS, WORSE_LOSS = BASE["loss"] + noisy(-0.3, seed=2), BASE["loss"] + noisy(0.3, seed=2)


def test_better_than_the_base_in_loss_and_in_words_is_promoted():
    verdict = judge(scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT}))
    assert (verdict["verdict"], verdict["baseline"], verdict["n"]) == ("promote", "base", 100)
    loss, words = verdict["conditions"]
    assert (loss["metric"], loss["direction"], loss["met"]) == ("loss", "lower", True)
    assert loss["low"] < loss["estimate"] < loss["high"] < 0
    assert loss["p"] < 0.05
    assert words["needed"] == "better in one metric and worse in none of exact_match, rouge_l"
    assert verdict["metrics"]["exact_match"]["difference"] == pytest.approx(20 / 48)
    assert verdict["rows_needed"] is None


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
    assert [(c["metric"], c["met"]) for c in verdict["conditions"]] == [("loss", True), ("rouge_l", False)]


def test_worse_than_the_champion_in_any_metric_is_refused_and_the_metric_is_named():
    tuned = {"loss": BETTER_LOSS, "exact_match": RIGHT["exact_match"], "rouge_l": BASE["rouge_l"] + WORSE_WORDS}
    verdict = judge(scored(base=BASE, champion=BASE, tuned=tuned))
    assert (verdict["verdict"], verdict["baseline"]) == ("refuse", "champion")
    assert "worse in rouge_l" in verdict["reason"]
    assert [(c["metric"], c["met"]) for c in verdict["conditions"]] == [("loss", True), ("rouge_l", False)]


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
        scored(base={"loss": BASE["loss"]}, tuned={"loss": BETTER_LOSS}), words=[], directions={"loss": "lower"}
    )
    assert verdict["verdict"] == "promote"
    assert [c["metric"] for c in verdict["conditions"]] == ["loss"]


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
