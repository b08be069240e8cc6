"""Profiles as data: checked when read, found by their file's name."""

from pathlib import Path

import polars as pl
import pytest

from tuneloom.errors import ConfigError
from tuneloom.quality.rules import PROFILES, Rule, load_profile

RULE = "  - {name: r, value: answer_words, max: 5, source: a test}\n"


def profile(folder: Path, *rules: str) -> Path:
    (folder / "mine.yaml").write_text("version: 3\nrules:\n" + "".join(rules), "utf-8")
    return folder


def test_a_profile_is_a_file_of_that_name(tmp_path: Path) -> None:
    found = load_profile("mine", profile(tmp_path, RULE))
    assert (found.name, found.version) == ("mine", 3)
    assert found.rules == (Rule("r", "answer_words", "a test", max=5),)


def test_every_shipped_profile_is_sound_and_cites_its_sources() -> None:
    for path in PROFILES.glob("*.yaml"):
        assert all(len(rule.source) > 20 for rule in load_profile(path.stem).rules)


def test_none_has_no_rules_and_an_unknown_profile_names_the_known() -> None:
    assert load_profile("none").rules == ()
    with pytest.raises(ConfigError, match=r"no rule profile 'strickt'.*none, standard"):
        load_profile("strickt")


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("  - {name: r, max: 5, source: x}\n", "not complete"),
        ("  - {name: r, value: answer_words, source: x}\n", "no bound"),
        ("  - {name: r, value: answer_wrods, max: 5, source: x}\n", "'answer_wrods', which there is not"),
        ("  - {name: r, value: 'answer_words >', max: 5, source: x}\n", "no expression"),
        ("  - {name: r, value: answer_words, max: 5, source: x, kinds: [prose]}\n", "kind 'prose'"),
        (RULE + RULE, "two rules are named 'r'"),
    ],
)
def test_a_wrong_rule_is_refused_before_anything_runs(tmp_path: Path, rule: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_profile("mine", profile(tmp_path, rule))


@pytest.mark.parametrize("scripts", ["any", "unspaced"])
def test_a_signal_that_counts_by_spaces_cannot_judge_chinese(tmp_path: Path, scripts: str) -> None:
    rule = f"  - {{name: r, value: answer_word_length, max: 5, source: x, scripts: {scripts}}}\n"
    with pytest.raises(ConfigError, match=r"valid for spaced script only.*scripts: spaced"):
        load_profile("mine", profile(tmp_path, rule))


def test_a_rule_judges_whom_it_names_by_an_expression_of_signals() -> None:
    rule = Rule("r", "a / b", "x", min=1, when="b > 1", kinds=("natural",), scripts="spaced")
    rows = pl.DataFrame(
        {
            "a": [1.0, 3.0, 1.0, 1.0, 1.0],
            "b": [2.0, 2.0, 1.5, 2.0, 0.5],
            "kind": ["natural", "natural", "code", "natural", "natural"],
            "script": ["spaced", "spaced", "spaced", "unspaced", "spaced"],
        }
    )
    assert rows.select(rule.breaks()).to_series().to_list() == [True, False, False, False, False]
