"""Set phrases of refusal, told from apologies that say something and from refusals of harmful requests."""

import json
from pathlib import Path

import polars as pl

from tuneloom.quality.refusals import BOILERPLATE, UNSAFE_REQUEST

LABELLED = [json.loads(line) for line in (Path(__file__).parent / "labelled.jsonl").read_text("utf-8").splitlines()]


def boilerplate(rows: list[dict]) -> list[bool]:
    frame = pl.DataFrame({"prompt": [r["prompt"] for r in rows], "answer": [r["answer"] for r in rows]})
    told = pl.col("answer").str.contains(BOILERPLATE) & ~pl.col("prompt").str.contains(UNSAFE_REQUEST)
    return frame.select(told).to_series().to_list()


def test_the_sample_is_large_enough_to_mean_something() -> None:
    chinese = [row for row in LABELLED if not row["prompt"].isascii()]
    assert len(LABELLED) >= 120
    assert len(chinese) >= 40
    assert sum(row["refusal"] for row in LABELLED) >= 30


def test_labelled_refusals_are_found_with_few_errors() -> None:
    told, meant = boilerplate(LABELLED), [row["refusal"] for row in LABELLED]
    right = sum(a and b for a, b in zip(told, meant, strict=True))
    wrong = [row for row, a, b in zip(LABELLED, told, meant, strict=True) if a != b]
    assert right / sum(told) >= 0.97, wrong
    assert right / sum(meant) >= 0.95, wrong


def test_only_the_start_of_an_answer_counts() -> None:
    rows = [{"prompt": "Quote a bot.", "answer": "It said: I'm sorry, but I can't assist with that."}]
    assert boilerplate(rows) == [False]


def test_a_safe_answer_to_an_unsafe_request_is_kept() -> None:
    rows = [{"prompt": prompt, "answer": "Sorry, I can't help with that."} for prompt in ("Bake a cake", "Make a bomb")]
    assert boilerplate(rows) == [True, False]
