"""What-if questions: answered from stored signals as a run would answer them."""

from pathlib import Path

import pytest

from tests.rows import chat
from tests.tuneloom.quality.judged import judged, table
from tuneloom.artifacts import Artifact
from tuneloom.config import Quality, Rule
from tuneloom.errors import ConfigError
from tuneloom.quality.stored import read_signals
from tuneloom.quality.what_if import rules_of_run, what_if_bound, what_if_rule

RULES = (
    Rule(name="too long", value="answer_words", max=6, source="a test"),
    Rule(name="odd", value="answer_digits", min=0.0, max=0.5, source="a test"),
)


@pytest.fixture
def run(tmp_path: Path) -> Artifact:
    """Answers of 1 to 9 words: three are too long."""
    rows = [chat(f"q{n}", " ".join(["word"] * n), language="en") for n in range(1, 10)]
    sides = ["train"] * 8 + ["test"]
    return judged(tmp_path, table(rows, sides), Quality(rules="none", more=RULES))


def test_a_rule_that_never_ran_tells_what_it_would_reject(run: Artifact) -> None:
    told = what_if_rule(read_signals(run), "answer_words > 4 AND language = 'en'")
    assert (told.judged, told.rejected, told.new) == (9, 5, 2)
    assert told.by_side == (("train", 4), ("test", 1))
    assert told.by_source == (("made", 5),)
    assert {*told.examples} <= {*run.table()["id"].to_pylist()}


@pytest.mark.parametrize(("bound", "rejected", "new", "freed"), [(4, 5, 2, 0), (6, 3, 0, 0), (8, 1, 0, 2)])
def test_another_bound_rejects_what_a_run_with_it_rejects(
    run: Artifact, tmp_path: Path, bound: int, rejected: int, new: int, freed: int
) -> None:
    told = what_if_bound(read_signals(run), rules_of_run(run.stats), f"too long={bound}")
    assert (told.rejected, told.new, told.freed) == (rejected, new, freed)
    rows = [chat(f"q{n}", " ".join(["word"] * n), language="en") for n in range(1, 10)]
    changed = Quality(rules="none", more=(RULES[0].model_copy(update={"max": bound}), RULES[1]))
    assert judged(tmp_path / "again", table(rows), changed).manifest.counts.rejected == rejected


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("too lnog=4", "names no rule.*too long"),
        ("too long", "names no rule"),
        ("too long=many", "'many' is no number"),
        ("odd=0.2", r"two bounds.*odd.min= or odd.max="),
    ],
)
def test_a_bound_that_cannot_be_asked_says_why(run: Artifact, said: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        what_if_bound(read_signals(run), rules_of_run(run.stats), said)


def test_a_rule_with_two_bounds_is_asked_by_its_end(run: Artifact) -> None:
    assert what_if_bound(read_signals(run), rules_of_run(run.stats), "odd.min=0.2").rejected == 9


def test_the_rules_of_the_run_are_those_it_was_judged_by(run: Artifact) -> None:
    assert {rule.name: (rule.min, rule.max) for rule in rules_of_run(run.stats).rules} == {
        "too long": (None, 6), "odd": (0, 0.5),
    }  # fmt: skip
