"""The shipped programming problems: a right answer passes, one that does nothing does not."""

import re
from pathlib import Path

import pytest

from tests.conftest import needed
from tuneloom.evaluate import sandbox
from tuneloom.evaluate.metrics.passes_tests import score
from tuneloom.suites import load_suites

SOLUTIONS = (Path(__file__).parents[1] / "python_solutions.py").read_text("utf-8")
PROBLEMS = [row for suite in load_suites(["python_en", "python_zh"], Path()) for row in suite.rows]


@pytest.fixture(autouse=True, scope="module")
def _sandbox():
    needed(f"a sandbox ({sandbox.missing()})", sandbox.missing() is None)


def test_there_are_at_least_forty_in_two_languages_none_twice():
    names = [asked(row) for row in PROBLEMS]
    assert len(set(names)) == len(names) >= 40


@pytest.mark.parametrize("row", PROBLEMS, ids=lambda row: asked(row))
def test_a_right_answer_passes_and_an_idle_one_does_not(row):
    assert score(f"Here it is.\n```python\n{SOLUTIONS}\n```", row.references) == 1.0
    assert score(f"```python\ndef {asked(row)}(*given):\n    return None\n```", row.references) == 0.0


def test_an_answer_without_a_program_is_a_failed_extraction():
    assert score("I would use a loop.", ["assert True"]) is None


def asked(row) -> str:
    return re.search(r"`(\w+)\(", row.prompt)[1]
