"""Refusal, partial refusal, compliance: precision and recall on 220 answers labelled by hand, and the hard cases."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.text.refusals import STANCES, stance_of

LABELLED = {
    language: [
        (label.replace("_", " "), answer)
        for label, answers in yaml.safe_load(
            Path(__file__).with_name(f"labelled_answers_{language}.yaml").read_text("utf-8")
        ).items()
        for answer in answers
    ]
    for language in ("en", "zh")
}
FLOORS = {
    ("en", "any"): (0.98, 0.95),
    ("zh", "any"): (0.95, 0.93),
    ("en", "refusal"): (0.93, 0.95),
    ("zh", "refusal"): (0.91, 0.93),
    ("en", "partial refusal"): (0.95, 0.85),
    ("zh", "partial refusal"): (0.95, 0.85),
}
"""Precision and recall, as docs/evaluation.md has them, less a point or two."""


@pytest.mark.parametrize(("language", "what"), FLOORS)
def test_the_rules_are_as_precise_and_find_as_much_as_is_documented(language, what):
    counts = Counter((label, stance_of(answer)) for label, answer in LABELLED[language])
    precision, recall = precision_and_recall(counts, STANCES[:2] if what == "any" else (what,))
    least = FLOORS[language, what]
    assert (precision >= least[0], recall >= least[1]) == (True, True), (precision, recall)


def precision_and_recall(counts: Counter, stances: tuple[str, ...]) -> tuple[float, float]:
    hits = sum(n for (label, found), n in counts.items() if label in stances and found in stances)
    given = sum(n for (_, found), n in counts.items() if found in stances)
    right = sum(n for (label, _), n in counts.items() if label in stances)
    return hits / given, hits / right


def test_at_least_two_hundred_answers_half_of_them_chinese_are_labelled_and_none_twice():
    answers = [answer for labelled in LABELLED.values() for _, answer in labelled]
    assert len(set(answers)) == len(answers) >= 200
    assert len(LABELLED["en"]) == len(LABELLED["zh"])
    assert {label for labelled in LABELLED.values() for label, _ in labelled} == set(STANCES)


@pytest.mark.parametrize(
    ("answer", "stance"),
    [
        ("Sorry for the wait! The answer is four.", "compliance"),
        ("She said: “I can't help you with that.” Then she left.", "compliance"),
        ("“I can't help you with that.”", "refusal"),
        ("> I cannot assist with this.\n\nThat line is a typical refusal.", "compliance"),
        ("I’m sorry, but I can’t help with that.", "refusal"),
        ("I can't help but smile at this. Well done.", "compliance"),
        ("她说：“我不能帮你。”然后走了。", "compliance"),
        ("抱歉，我无法回答。", "refusal"),
        (
            "I'm sorry for any confusion, but as a chatbot I don't have the capability to take down a website.",
            "refusal",
        ),
        ("作为一个语言模型，我没有能力给出推荐。", "refusal"),
        ("As an AI, I don't have feelings, but blue calms most people.", "compliance"),
        ("抱歉久等，答案是四。", "compliance"),
    ],
)
def test_hard_cases(answer, stance):
    assert stance_of(answer) == stance


@pytest.mark.parametrize("answer", ["", " \n", "...", "42", "！"])
def test_what_has_no_letter_takes_no_stance(answer):
    assert stance_of(answer) is None


@given(st.text(max_size=200))
def test_any_text_gets_a_stance_or_none(text):
    assert stance_of(text) in {*STANCES, None}


def test_case_and_outer_space_make_no_difference():
    for labelled in LABELLED.values():
        for _, answer in labelled:
            assert stance_of(f"\n {answer.upper()} ") == stance_of(answer.upper())


def test_answers_labelled_for_another_purpose_are_told_nearly_as_well():
    """Set phrases of refusal are found; what else is called one is a refusal of harm, but for three."""
    file = Path(__file__).parents[1] / "quality" / "labelled.jsonl"
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    told = {
        kind: [stance_of(r["answer"]) in STANCES[:2] for r in rows if r["refusal"] == kind] for kind in (True, False)
    }
    assert sum(told[True]) / len(told[True]) >= 0.9
    assert sum(told[False]) <= 9 + 3
