"""The verdict's page: every condition with what was asked, found and decided."""

from tests.tuneloom.evaluate.test_gate import BASE, BETTER_LOSS, RIGHT, judge, scored
from tuneloom.config import Gate
from tuneloom.evaluate.document import verdict_page
from tuneloom.evaluate.outputs import Tally


def test_every_condition_stands_there_with_value_interval_and_outcome():
    gate = Gate(guards={"rouge_l": 0.001}, floors={"exact_match": 0.1})
    tallies = [Tally("held_out", "tuned", 48, 0, 3, 0, 48, 900)]
    table = scored(base=BASE, tuned={"loss": BETTER_LOSS, **RIGHT})
    verdict = judge(table, gate, tallies=tallies, uses={"held_out": 1, "mood_en": 7})
    page = verdict_page(verdict)
    assert page.startswith("# Verdict: promote\n")
    for one in verdict["conditions"]:
        line = next(line for line in page.splitlines() if line.startswith(f"| {one['kind']}: {one['metric']} |"))
        assert one["needed"] in line
        assert one["state"] in line
        if one["estimate"] is not None:
            assert f"{one['estimate']:.4g}" in line
    assert "this one included: held_out 1, mood_en 7." in page
    assert "in 16% of cases" in page
    assert "| held_out | tuned | 48 | 0 | 3 | 0 | 900 |" in page


def test_an_inconclusive_one_says_how_many_items_it_takes():
    same = {"loss": BASE["loss"], "exact_match": [0, 1] * 24, "rouge_l": BASE["rouge_l"]}
    verdict = judge(
        scored(base=same, champion=same, tuned={**same, "loss": BETTER_LOSS}), Gate(guards={"exact_match": 0.02})
    )
    assert "Items needed: about 1,578." in verdict_page(verdict)
