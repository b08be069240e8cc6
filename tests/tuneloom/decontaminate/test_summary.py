"""The reverse report."""

from pathlib import Path

import pytest

from tests.tuneloom.decontaminate.builders import QUESTION, asked, cleaned, suite_rows
from tests.tuneloom.dedup.builders import numbered, said
from tuneloom.artifacts import Artifact, Store
from tuneloom.decontaminate.summary import report_lines

PHONE = "13812345678"


@pytest.fixture
def made(tmp_path: Path) -> Artifact:
    evaluation = [
        *suite_rows(asked(QUESTION), asked(f"{'long ' * 36}call {PHONE} and then tell me what was said there, please")),
        *suite_rows(asked("Is there anybody who never was compromised?"), source="clean"),
    ]
    rows = [said(QUESTION, "1"), said(f"{QUESTION} Yes.", "2"), said(f"Go: {QUESTION} {'more of it ' * 20}", "3")]
    call = said(f"{'long ' * 36}call {PHONE} and then tell me what was said there, please", "4")
    return cleaned(Store(tmp_path), [*evaluation, *numbered([*rows, call])])


def test_each_evaluation_source_has_a_line_and_each_row_given_away_another(made: Artifact):
    clean, suite, first, second = report_lines(made.stats)
    assert clean.startswith("clean  1 evaluation rows, 0 compromised (0 exact question, 0 near duplicate")
    assert suite == (
        "suite  2 evaluation rows, 2 compromised (2 exact question, 1 near duplicate, 1 n-gram coverage); "
        "told only: 2 any 8-gram, 2 any 13-gram, 0 in the test side"
    )
    assert first.startswith("  suite:test.jsonl:1  3 rows, coverage 1.0: Natalia sold clips")
    assert second.startswith("  suite:test.jsonl:2  1 rows, coverage 1.0: long long")


def test_what_is_shown_is_masked_before_it_is_cut(made: Artifact):
    sample = made.stats["reverse"]["worst"][1]["sample"]
    assert PHONE[:5] not in sample
    assert len(sample) == 200


def test_rejected_rows_are_counted_once_by_their_best_match(made: Artifact):
    assert made.stats["rejected"] == {"exact question": 2, "near duplicate": 1, "n-gram coverage": 1}
    assert sum(made.stats["rejected"].values()) == made.manifest.counts.rejected


def test_without_protected_rows_it_says_how_to_have_some():
    assert "use: decontaminate" in report_lines({"protected": 0})[0]
    assert report_lines({"protected": None}) == ["turned off (decontaminate: null)"]
