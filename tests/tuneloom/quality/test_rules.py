"""Profiles as data: checked when read, found by their file's name."""

from pathlib import Path

import polars as pl
import pytest

from tuneloom.config import Quality, Rule
from tuneloom.config_file import parse_config
from tuneloom.errors import ConfigError
from tuneloom.quality.rules import PROFILES, breaks, load_profile, rules_of

RULE = "  - {name: r, value: answer_words, max: 5, source: a test}\n"


def profile(folder: Path, *rules: str) -> Path:
    (folder / "mine.yaml").write_text("version: 3\nrules:\n" + "".join(rules), "utf-8")
    return folder


def test_a_profile_is_a_file_of_that_name(tmp_path: Path) -> None:
    found = load_profile("mine", profile(tmp_path, RULE))
    assert (found.name, found.versions) == ("mine", {"r": "mine-3"})
    assert found.rules == (Rule(name="r", value="answer_words", source="a test", max=5),)


def test_every_shipped_profile_is_sound_and_cites_its_sources() -> None:
    names = {path.stem for path in PROFILES.glob("*.yaml")}
    assert names == {"standard", "strict", "code", "math", "chat", "zh"}
    for name in names:
        assert all(len(rule.source) > 20 for rule in load_profile(name).rules)


def test_none_has_no_rules_and_an_unknown_profile_names_the_known() -> None:
    assert load_profile("none").rules == ()
    with pytest.raises(ConfigError, match=r"no rule profile 'strickt'.*none, chat, code, math, standard, strict"):
        load_profile("strickt")


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("  - {name: r, max: 5, source: x}\n", "not complete"),
        ("  - {name: r, value: answer_words, source: x}\n", "no bound"),
        (
            "  - {name: r, value: answer_wrods, max: 5, source: x}\n",
            "'answer_wrods', which is no signal.*Did you mean `answer_words`",
        ),
        ("  - {name: r, value: 'answer_words >', max: 5, source: x}\n", "no expression"),
        ("  - {name: r, value: answer_words, max: 5, source: x, kinds: [prose]}\n", "kinds.0: Input should be"),
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


@pytest.mark.parametrize("more", ["", ", languages: [fr]", ", languages: [en, fr]"])
def test_english_stop_words_cannot_judge_another_language(tmp_path: Path, more: str) -> None:
    rule = f"  - {{name: r, value: answer_stop_words, min: 2, source: x, scripts: spaced{more}}}\n"
    with pytest.raises(ConfigError, match=r"valid for en only.*languages: \[en\]"):
        load_profile("mine", profile(tmp_path, rule))
    load_profile("mine", profile(tmp_path, rule.replace(more + "}", ", languages: [en]}")))


def test_gophers_rules_of_words_are_not_measured_of_prompts(tmp_path: Path) -> None:
    rule = "  - {name: r, value: prompt_stop_words, min: 2, source: x}\n"
    with pytest.raises(ConfigError, match=r"stop_words is not measured of the prompt.*answer_stop_words"):
        load_profile("mine", profile(tmp_path, rule))


def test_a_condition_is_a_yes_or_no(tmp_path: Path) -> None:
    rule = "  - {name: r, value: answer_words, when: answer_words + 1, max: 2, source: x}\n"
    with pytest.raises(ConfigError, match="gives Float64, not yes or no"):
        load_profile("mine", profile(tmp_path, rule))


def test_a_profile_takes_over_replaces_and_leaves_out_the_rules_of_its_base(tmp_path: Path) -> None:
    profile(tmp_path, RULE, "  - {name: s, value: turns, max: 9, source: x}\n")
    text = "version: 1\nbase: mine\nwithout: [s]\nrules:\n  - {name: r, value: answer_words, max: 7, source: x}\n"
    (tmp_path / "other.yaml").write_text(text)
    found = load_profile("other", tmp_path)
    assert [(rule.name, rule.max) for rule in found.rules] == [("r", 7)]
    assert found.versions == {"r": "other-1"}


def test_a_configs_own_rules_are_asked_last_and_their_version_changes_with_them() -> None:
    def of(bound: float) -> Quality:
        tree = {"more": [{"name": "too short", "value": "answer_words", "min": bound}], "without": ["mojibake"]}
        return parse_config({"model": "m", "sources": [{"name": "a", "path": "a"}], "quality": tree}).quality

    found = rules_of(of(2))
    assert found.rules[-1].name == "too short"
    assert "mojibake" not in found.versions
    assert found.versions["cut answer"] == "standard-2"
    assert found.versions["too short"].startswith("config-")
    assert found.versions["too short"] == rules_of(of(2)).versions["too short"] != rules_of(of(3)).versions["too short"]


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ({"without": ["mojibak"]}, r"the profile 'standard' has no rule 'mojibak' \(quality.without\).*mojibake"),
        ({"more": [{"name": "a", "value": "turns"}]}, r"rule 'a' has no bound \(quality.more.0\)"),
        ({"more": [{"name": "a", "value": "turns", "max": 1}] * 2}, "two rules are named 'a'"),
        ({"more": [{"name": "a", "value": "read_csv('x')", "max": 1}]}, "calls 'read_csv', which rules may not"),
        ({"more": [{"name": "a", "value": "language", "max": 1}]}, "gives String, not a number"),
    ],
)
def test_a_wrong_rule_of_the_config_is_told_with_its_place(tree: dict, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        rules_of(Quality.model_validate(tree))


def test_a_misspelt_key_of_a_rule_is_answered_with_the_right_one() -> None:
    tree = {"more": [{"name": "a", "value": "turns", "maxx": 1}]}
    with pytest.raises(ConfigError, match=r"unknown key `quality.more.0.maxx`.*Did you mean `max`"):
        parse_config({"model": "m", "sources": [{"name": "a", "path": "a"}], "quality": tree})


def test_a_rule_judges_whom_it_names_by_an_expression_of_signals() -> None:
    rule = Rule(name="r", value="a / b", min=1, when="b > 1", kinds=("natural",), scripts="spaced")
    rows = pl.DataFrame(
        {
            "a": [1.0, 3.0, 1.0, 1.0, 1.0],
            "b": [2.0, 2.0, 1.5, 2.0, 0.5],
            "kind": ["natural", "natural", "code", "natural", "natural"],
            "script": ["spaced", "spaced", "spaced", "unspaced", "spaced"],
        }
    )
    assert rows.select(breaks(rule)).to_series().to_list() == [True, False, False, False, False]
