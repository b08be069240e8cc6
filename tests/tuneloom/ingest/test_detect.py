"""Which format a file is in."""

from typing import Any

import pytest

from tuneloom.errors import ConfigError
from tuneloom.ingest.detect import Detection, detect, named, unclaimed


@pytest.mark.parametrize(
    ("keys", "format"),
    [
        ("instruction input output", "alpaca"),
        ("instruction output", "alpaca"),
        ("instruction input response", "alpaca"),
        ("instruction context response category", "dolly"),
        ("prompt completion", "prompt_completion"),
        ("inputs targets task", "prompt_completion"),
        ("question answer", "question_answer"),
        ("id system_prompt question response", "question_answer"),
        ("id conversations", "sharegpt"),
        ("messages tools", "messages"),
        ("id name instruction instances is_classification", "self_instruct"),
        ("Definition Instances Categories", "super_ni"),
    ],
)
def test_each_family_by_its_keys(keys: str, format: str) -> None:
    assert detect([dict.fromkeys(keys.split(), "x")]) == Detection(format, 1.0)


@pytest.mark.parametrize(
    "row",
    [
        {"conversations": [], "chosen": {}, "rejected": {}},
        {"messages": [], "label": False},
        {"prompt": "p", "type": "safe"},
        {"turns": ["a", "b"]},
        {"text": "just text"},
        {},
    ],
)
def test_preference_and_prompt_only_data_are_never_taken_for_training_data(row: dict[str, Any]) -> None:
    assert detect([row]) is None
    assert all(key in unclaimed(row).evidence for key in row)
    assert "alpaca" in unclaimed(row).evidence


def test_a_few_broken_rows_do_not_hide_the_format() -> None:
    good, broken = {"instruction": "a", "output": "b"}, {"instructoin": "a", "output": "b"}
    assert detect([broken, *[good] * 9]) == Detection("alpaca", 0.9)


def test_a_misspelt_format_is_answered_with_the_one_meant() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'sharegpt'\?"):
        named("share_gpt", "mine")
    assert named("alpaca", "mine") == Detection("alpaca", None)
