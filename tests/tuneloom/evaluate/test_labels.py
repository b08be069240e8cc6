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
    ("answer", "labels", "label"),
    [
        ("not positive", ("positive", "negative"), None),
        ("Non-negative", ("positive", "negative"), None),
        ("It isn't a positive one.", ("positive", "negative"), None),
        ("It is not very positive", ("positive", "negative"), None),
        ("not positive but negative", ("positive", "negative"), "negative"),
        ("I do not know. Positive.", ("positive", "negative"), "positive"),
        ("not given", ENGLISH, "not given"),
        ("No.", ("yes", "no"), "no"),
        ("不是正面", ("正面", "负面"), None),
        ("不正面", ("正面", "负面"), None),
        ("并非负面。", ("正面", "负面"), None),
        ("没有负面情绪", ("正面", "负面"), None),
        ("不是正面，是负面。", ("正面", "负面"), "负面"),
        ("这不错，正面。", ("正面", "负面"), "正面"),
        ("非正面", CHINESE, "非正面"),
    ],
)
def test_a_label_that_is_denied_is_none(answer, labels, label):
    assert find_label(answer, labels) == label


@pytest.mark.parametrize(
    ("answer", "label"), [("这句话是负面的。", "负面"), ("非正面", "非正面"), ("正面还是负面？", None)]
)
def test_chinese_labels_are_found_in_a_sentence_and_the_longer_one_counts(answer, label):
    assert find_label(answer, CHINESE) == label
