"""Rows near a bound, told from stored signals."""

from pathlib import Path

import polars as pl

from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.quality.doubts import ASKED_FILE, SIGNAL_FILE, asked, near_bounds

RULE = {"value": "repeats", "max": 0.3, "kinds": ["natural"], "scripts": "any", "when": "words >= 10"}


def judged(folder: Path, rules: dict, **columns: list) -> Artifact:
    """A quality artifact that stored these signals of five rows."""
    frame = pl.DataFrame(
        {"id": list("abcde"), "rule": [None] * 5, "kind": ["natural"] * 5, "side": ["train"] * 5, "words": [20] * 5}
        | {"script": ["spaced"] * 5, "language": ["en", "en", "en", "zh", "zh"]}
        | columns,
        schema_overrides={"rule": pl.String},
    )

    def put(writer: Writer) -> None:
        frame.write_parquet(writer.file(SIGNAL_FILE, rows=5))
        asking = pl.DataFrame({"id": ["d", "b"], "rule": ["unsafe answer"] * 2})
        asking.write_parquet(writer.file(ASKED_FILE, rows=2))
        writer.stats["rules"] = rules

    return Store(folder).ensure(Spec("quality", "test"), put)


def test_rows_within_the_margin_of_a_bound_are_told_with_both_numbers(tmp_path: Path) -> None:
    artifact = judged(tmp_path, {"phrase": RULE}, repeats=[0.1, 0.28, 0.3, 0.26, 0.27])
    assert near_bounds(artifact, 0.1) == [
        ("b", "near: phrase", 0.28, 0.3),
        ("c", "near: phrase", 0.3, 0.3),
        ("e", "near: phrase", 0.27, 0.3),
    ]


def test_rows_that_the_rule_does_not_judge_are_not_near(tmp_path: Path) -> None:
    columns = {
        "rule": [None, "other", None, None, None],
        "kind": ["code", "natural", "natural", "natural", "natural"],
        "words": [20, 20, 9, 20, 20],
        "side": ["train", "train", "train", "test", "train"],
    }
    artifact = judged(tmp_path, {"phrase": {**RULE, "languages": ["en"]}}, repeats=[0.29] * 5, **columns)
    assert near_bounds(artifact, 0.1) == []


def test_nothing_is_near_to_yes_or_no(tmp_path: Path) -> None:
    artifact = judged(tmp_path, {"echo": {"value": "repeats", "max": 0}, "personal data": {}}, repeats=[0.0] * 5)
    assert near_bounds(artifact, 0.5) == []


def test_rows_that_a_policy_asks_about_are_told_in_order(tmp_path: Path) -> None:
    artifact = judged(tmp_path, {}, repeats=[0.0] * 5)
    assert asked(artifact) == [("b", "unsafe answer", None, None), ("d", "unsafe answer", None, None)]
