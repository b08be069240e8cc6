"""The label in a generated answer: whole words, the longest, one alone."""

import pytest

from tuneloom.evaluate.labels import find_label

ENGLISH, CHINESE = ("true", "false", "not given"), ("正面", "负面", "非正面")


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("True.", "true"),
        ("I think it is FALSE, since ...", "false"),
        ("Not  given", "not given"),
        ("untrue", None),
        ("He was the one", None),
        ("true or false", None),
        ("", None),
    ],
)
def test_english_labels_are_words(answer, label):
    assert find_label(answer, ENGLISH) == label


@pytest.mark.parametrize(
    ("answer", "label"), [("这句话是负面的。", "负面"), ("非正面", "非正面"), ("正面还是负面？", None)]
)
def test_chinese_labels_are_found_in_a_sentence_and_the_longer_one_counts(answer, label):
    assert find_label(answer, CHINESE) == label
