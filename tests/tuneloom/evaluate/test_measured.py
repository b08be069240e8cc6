"""Metrics by their full names, ours and a user's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuneloom.errors import ConfigError
from tuneloom.evaluate.comparison import combine_of
from tuneloom.evaluate.measured import measured_of, measured_suites
from tuneloom.evaluate.metrics import About, load_metrics
from tuneloom.suites import OwnMetric, load_suites

OPENING = '''"""Whether the answer has the reference's first word."""

DIRECTION = "higher"
INTERVAL = "share"


def score(answer, references):
    return float(answer.split()[0] in [reference.split()[0] for reference in references])
'''
WORDS = """DIRECTION = "lower"
INTERVAL = "corpus"
LARGEST = 100


def measure(answer, references, about):
    return [len(answer.split())]


def combine(sums):
    return sums[:, 0]
"""
TICKETS = "kind: question_answering\nlanguage: en\nmetrics: [opening, exact_match]\nrows: [{prompt: Hi, answer: Yo}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"opening.py": OPENING, "words.py": WORDS, "tickets.yaml": TICKETS}.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_a_suite_and_a_metric_of_the_users_are_named_like_those_that_ship(folder):
    plugins = [folder / "opening.py", folder / "words.py", folder / "tickets.yaml"]
    suites = load_suites(["tickets", "mood_en"], folder, plugins)
    found = measured_suites(suites, {"tickets": 1, "mood_en": 24})
    assert (found["tickets.opening"].interval, found["tickets.opening"].code) == ("share", OPENING)
    assert found["tickets.exact_match"].code is None
    assert found["mood_en.accuracy.sum"].items == 24
    assert [one.name for one in suites[0].own_metrics] == ["opening"]  # of two the one that it names


def test_the_text_of_a_metric_decides_the_scores_of_the_suite_that_names_it_and_of_no_other(folder):
    plugins = [folder / "opening.py", folder / "tickets.yaml"]
    before = load_suites(["tickets", "mood_en"], folder, plugins)
    (folder / "opening.py").write_text(OPENING.replace("[0]", "[-1]"), "utf-8")
    after = load_suites(["tickets", "mood_en"], folder, plugins)
    assert before[0].digest != after[0].digest
    assert before[1].digest == after[1].digest


def test_a_corpus_metric_of_the_users_is_combined_from_the_text_that_the_plan_keeps():
    metric = load_metrics([OwnMetric("words", WORDS)])["words"]
    assert metric.of("a b c", ["x"], About()).parts == (3,)
    suite = load_suites(["to_chinese"], Path())[0]
    own = replace(suite, metrics=("words",), own_metrics=(OwnMetric("words", WORDS),))
    measured = measured_suites([own], {"to_chinese": 20})["to_chinese.words"]
    assert combine_of(measured)(np.array([[7.0]])).tolist() == [7.0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (OPENING.replace('"higher"', '"up"'), "DIRECTION is 'up'"),
        (OPENING.replace("def score", "def grade"), "no function `score`"),
        (WORDS.replace("def combine", "def sum_up"), "no function `combine`"),
        ("DIRECTION = 1 / 0", "cannot be loaded: ZeroDivisionError"),
    ],
)
def test_a_metric_that_lacks_a_part_is_told_with_what_it_needs(text, what):
    with pytest.raises(ConfigError, match=what):
        load_metrics([OwnMetric("opening", text)])


def test_a_metric_that_fails_on_an_answer_is_told_with_its_line():
    metric = load_metrics([OwnMetric("opening", OPENING)])["opening"]
    with pytest.raises(ConfigError, match=r"opening\.py fails on an answer: IndexError") as caught:
        metric.of("", ["x"], About())
    assert caught.value.where == "plugins: opening.py:8"


def test_a_name_of_ours_is_taken():
    with pytest.raises(ConfigError, match="'chrf' comes with Tuneloom"):
        load_metrics([OwnMetric("chrf", OPENING)])


def test_a_metric_that_nobody_knows_is_named_with_the_one_meant(folder):
    suites = load_suites(["tickets"], folder, [folder / "tickets.yaml"])
    with pytest.raises(ConfigError, match="'opening'"):
        measured_suites(suites, {"tickets": 1})
    assert measured_of(["chrf"], "held_out", 3)["chrf"].largest == 100
