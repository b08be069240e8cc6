"""Rules a program can check: known answers of each, both languages, and IFEval's loose variants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.records import canonical
from tuneloom.text.constraints import RULES, followed, loosened, paragraphs, sentences, words

KEPT = [
    ("at_least_words", 3, "It's 3 pm.", "two words"),
    ("at_least_words", 4, "今天下雨", "今天雨"),
    ("at_most_words", 2, "two words", "three words here"),
    ("at_least_sentences", 2, "Hi. There!", "Only 3.5 here."),
    ("at_least_sentences", 2, "好。很好！", "好，很好！"),
    ("at_most_sentences", 1, "One, and 2.5 more", "One. Two."),
    ("exactly_paragraphs", 2, "a\n\n \nb", "a\nb"),
    ("contains", ["salt", "gull"], "Salt and a gull.", "salty gulls"),
    ("contains", ["月光", "帆"], "白帆在月光下", "白帆"),
    ("avoids", ["big"], "a bigger one", "so BIG!"),
    ("avoids", ["big"], "small", ""),
    ("repeats_word", ["window", 2], "window Window", "window windows"),
    ("letter_at_least", ["z", 2], "Zazu", "zen"),
    ("starts_with", "Once upon", "once upon a time", "At once upon"),
    ("ends_with", "on Sunday.", 'See you on Sunday."', "on Sunday. Bye"),
    ("no_commas", True, "none", "one, two"),
    ("no_commas", True, "没有。", "甲、乙"),
    ("lower_case", True, "all low 1", "Not low"),
    ("upper_case", True, "LOUD 1!", "LOUd"),
    ("capital_words_at_least", 2, "WELL done, you STAR", "I AM"),
    ("is_json", True, "```json\n[1]\n```", "Here: [1]"),
    ("json_keys", ["姓名"], '{"姓名": "王"}', '{"姓名": 1, "b": 2}'),
    ("exactly_bullets", 2, "* a\n- b", "* a"),
    ("numbered_list", 2, "1. a\n2. b", "1. a\n3. b"),
    ("numbered_list", 2, "1. a\n2. b", "1. a\n2. b\n3. c"),
    ("highlights_at_least", 2, "*a* and **b c**", "2 * 3 * 4"),
    ("placeholders_at_least", 2, "[name] [日期]", "[name]"),
    ("has_title", True, "<<Bread>>\ntext", "<< >>"),
    ("has_title", True, "《《面包》》", "《面包》"),
    ("in_quotes", True, "“慢而稳”", '"slow'),
    ("two_answers", "******", "a\n******\nb", "a\n******\na"),
    ("postscript", "P.S.", "Dear,\np.s. more", "P.S. first"),
    ("one_of", ["yes", "no"], "Yes.", "yes and no"),
    ("in_language", "zh", "巴黎是法国的首都。", "Paris is the capital."),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value", "kept", "broken"), KEPT)
def test_a_rule_tells_an_answer_that_keeps_it_from_one_that_does_not(rule, value, kept, broken):
    constraint = [canonical({rule: value})]
    assert followed(kept, constraint) == [True]
    assert followed(broken, constraint) == [False]


def test_every_rule_has_a_known_answer():
    assert {rule for rule, *_ in KEPT} == set(RULES)


def test_words_sentences_and_paragraphs_of_mixed_text():
    assert (words("用 Python 写 3 行"), sentences("Dr. Wu left"), paragraphs("")) == (5, 2, 0)


def test_the_loose_variants_are_those_of_ifeval():
    assert loosened("*a*\nb\nc") == ["*a*\nb\nc", "b\nc", "*a*\nb", "b", "a\nb\nc", "b\nc", "a\nb", "b"]


def test_loose_forgives_an_opening_line_and_strict_does_not():
    answer, constraints = "Sure, here it is:\nall low", ['{"lower_case": true}', '{"no_commas": true}']
    assert followed(answer, constraints) == [False, False]
    assert followed(answer, constraints, loose=True) == [True, True]


@given(st.text())
def test_no_answer_is_kept_strictly_and_broken_loosely(text: str):
    constraints = [canonical({rule: value}) for rule, value, *_ in KEPT]
    strict, loose = followed(text, constraints), followed(text, constraints, loose=True)
    assert all(b or not a for a, b in zip(strict, loose, strict=True))


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_answer_keeps_nothing(empty: str):
    assert not any(followed(empty, [canonical({rule: value}) for rule, value, *_ in KEPT], loose=True))
