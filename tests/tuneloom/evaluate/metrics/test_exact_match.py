"""Exact match: numbers keep their signs and points, Chinese punctuation is punctuation."""

import pytest

from tuneloom.evaluate.metrics.exact_match import normalise, score


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("Paris.", "paris"),
        ("  The capital,\nof France! ", "the capital of france"),
        ("巴黎。", "巴黎"),
        ("ＡＢＣ，１", "abc 1"),
        ("1,000", "1000"),
        ("“Yes”", "yes"),
        (".5", ".5."),
    ],
)
def test_case_spaces_and_punctuation_do_not_count(answer, reference):
    assert score(answer, [reference]) == score(reference, [answer]) == 1.0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("-5", "5"),
        ("1.5", "15"),
        ("+", "-"),
        ("3:30", "330"),
        ("-.5", ".5"),
        ("5%", "5"),
        ("the cat", "cat"),
        ("", "a"),
    ],
)
def test_what_means_another_thing_is_another_thing(answer, reference):
    assert score(answer, [reference]) == 0.0


def test_any_reference_will_do_and_without_one_nothing_is_right():
    assert score("b", ["a", "B"]) == 1.0
    assert score("b", []) == 0.0


def test_a_literal_normal_form():
    assert normalise(" The CAPITAL，is: -1,000.5! ") == "the capital is -1000.5"
    assert normalise("?!") == "?!"
