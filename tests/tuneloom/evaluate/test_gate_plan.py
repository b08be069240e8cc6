"""The plan: the same for the same items, another for whatever decides a verdict, and read as it was written."""

from dataclasses import replace
from pathlib import Path

import pytest

from tuneloom.config import Gate
from tuneloom.errors import BrokenArtifact, ConfigError
from tuneloom.evaluate.gate_plan import (
    DataFacts,
    GatePlan,
    Leak,
    Measured,
    check_margins,
    check_selection,
    item_set,
    plan_from_json,
)
from tuneloom.suites import load_suites

LEAK = Leak("mood", "Dull.", ("made:rows.jsonl:7",))
PLAN = GatePlan(
    Gate(guards={"mood.accuracy": 0.05}, floors={"loss": 2.0}),
    {
        "loss": Measured("lower", "mean", None, "loss", "held_out", 2),
        "mood.accuracy": Measured("higher", "share", 1.0, "accuracy", "mood", 200),
        "zh.corpus_bleu": Measured("higher", "corpus", 100.0, "corpus_bleu", "zh", 1000),
    },
    ("chrf",),
    {"held_out": item_set("ab"), "mood": item_set("cd")},
    DataFacts((LEAK,), None, 0.1, None),
    {"held_out": 1, "mood": 3},
    7,
)


def test_it_is_read_as_it_was_written():
    again = plan_from_json(PLAN.to_json())
    assert again == PLAN
    assert again.digest == PLAN.digest


def test_whatever_decides_a_verdict_changes_its_digest_and_the_order_of_items_does_not():
    changes = [
        {"gate": Gate(margin=0.03)},
        {"seed": 8},
        {"uses": {"held_out": 1, "mood": 4}},
        {"data": DataFacts(())},
        {"sets": {**PLAN.sets, "mood": item_set("abc")}},
        {"watched": ()},
    ]
    assert len({replace(PLAN, **change).digest for change in changes} | {PLAN.digest}) == len(changes) + 1
    assert item_set(["b", "a"]) == item_set(["a", "b"])


def test_what_the_items_can_tell_is_known_before_the_run_in_the_metrics_own_points():
    assert PLAN.detectable("mood.accuracy") == pytest.approx(0.063, abs=5e-4)
    assert PLAN.detectable("zh.corpus_bleu") == pytest.approx(2.8, abs=0.01)
    assert PLAN.detectable("loss") is None
    assert PLAN.lines()[1:] == [
        "loss: 2 items",
        "mood.accuracy: 200 items, tells differences from 0.063 on",
        "zh.corpus_bleu: 1000 items, tells differences from 2.8 on",
    ]


def test_a_guard_that_so_few_rows_can_never_show_is_refused_with_what_they_can():
    """24 rows show 21 points at best; naming 5 would stop every promotion over a champion."""
    suites = load_suites(["mood_en", "to_chinese"], Path())
    with pytest.raises(ConfigError, match=r"24 rows of mood_en cannot show a margin of 0\.05 .*274 could") as caught:
        check_margins(Gate(guards={"mood_en.accuracy.sum": 0.05}), suites)
    assert "a margin from 0.209 on" in caught.value.remedy
    assert "release.gate.floors" in caught.value.remedy
    others = {"mood_en.accuracy": 0.209, "mood_en.macro_f1": 0.01, "to_chinese.chrf": 0.01, "loss": 0.01}
    check_margins(Gate(guards=others), suites)


def test_a_checkpoint_is_chosen_on_another_split_than_the_gates():
    check_selection({"chosen_on": None}, PLAN.sets)
    check_selection({"chosen_on": "validation"}, PLAN.sets)
    for judge in ("test", "mood"):
        with pytest.raises(ConfigError, match="also judges it"):
            check_selection({"chosen_on": judge}, PLAN.sets)
    with pytest.raises(BrokenArtifact, match="does not say"):
        check_selection({}, PLAN.sets)
