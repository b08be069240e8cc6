"""What a machine cannot measure is known before any model is asked, and changes the key of the scores."""

from pathlib import Path

import pytest

from tuneloom.evaluate.metrics import passes_tests
from tuneloom.evaluate.missing import asked_digest, missing_metrics
from tuneloom.suites import load_suites


@pytest.fixture
def _bare(monkeypatch):
    monkeypatch.setattr(passes_tests, "missing", lambda: "no namespaces")


@pytest.mark.usefixtures("_bare")
def test_without_a_sandbox_the_suites_of_programs_are_missing_and_no_other():
    code, mood = load_suites(["python_en", "mood_en"], Path())
    assert missing_metrics(code) == {"passes_tests": "no namespaces"}
    assert missing_metrics(mood) == {}
    assert asked_digest(code) != code.digest
    assert asked_digest(mood) == mood.digest


def test_where_nothing_is_missing_the_digest_is_the_suites(monkeypatch):
    monkeypatch.setattr(passes_tests, "missing", lambda: None)
    (code,) = load_suites(["python_en"], Path())
    assert asked_digest(code) == code.digest
