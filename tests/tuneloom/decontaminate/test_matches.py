"""Matches of rows and evaluation rows, and how little else is one: real data."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.decontaminate.builders import QUESTION, asked, suite_rows, talk
from tests.tuneloom.dedup.builders import Row, numbered, said
from tests.tuneloom.dedup.sources import alpaca, t0
from tuneloom.config import Decontaminate
from tuneloom.decontaminate.items import read_items
from tuneloom.decontaminate.matches import COVERAGE, EXACT, NEAR_DUPLICATE, Guard, Matches
from tuneloom.records import Conversation, to_table


def matches(evaluation: list[Row], *training: Conversation, **config: object) -> Matches:
    guard = Guard(read_items([to_table(evaluation)]), Decontaminate(**config))
    return guard.matches(to_table(numbered(training)))


def pairs(found: Matches) -> list[tuple[int, int, int]]:
    return list(zip(found.rows.tolist(), found.items.tolist(), found.rule.tolist(), strict=True))


def compromised(found: Matches) -> int:
    return len({*found.items.tolist()})


def test_the_strongest_rule_is_told_with_coverage_and_similarity():
    edited = QUESTION.replace("clips", "stamps")
    found = matches(suite_rows(asked(QUESTION)), said(QUESTION, "x"), said(f"{QUESTION} Yes.", "x"), said(edited, "x"))
    assert pairs(found) == [(0, 0, EXACT), (1, 0, NEAR_DUPLICATE)]
    assert found.coverage.tolist() == [1.0, 1.0]
    assert found.similarity[0] == 1.0 > found.similarity[1] > 0.9
    found = matches(suite_rows(asked(QUESTION)), said(f"{'many other words '.join('abcdefgh')} {QUESTION}", "x"))
    assert pairs(found) == [(0, 0, COVERAGE)]
    assert found.similarity[0] < 0.8


def test_of_equally_good_evaluation_rows_the_first_by_origin_is_the_best():
    evaluation = [*suite_rows(asked(QUESTION), source="b"), *suite_rows(asked(QUESTION), source="a")]
    found = matches(evaluation, said("Hi", "Hello"), said(QUESTION, "x"))
    assert pairs(found) == [(1, 0, EXACT), (1, 1, EXACT)]
    assert found.best.tolist() == [0]


def test_the_evaluation_row_that_is_covered_most_comes_first():
    most, all_of_it = QUESTION, "Then tell me how many she would have sold if nobody had come to her in May at all."
    row = said(f"{' '.join(QUESTION.split()[:22])} {all_of_it} {'And so on it goes. ' * 20}", "x")
    found = matches(suite_rows(asked(most), asked(all_of_it)), row)
    assert pairs(found) == [(0, 1, COVERAGE), (0, 0, COVERAGE)]
    assert 1 == found.coverage[0] > found.coverage[1]


def test_the_turn_that_resembles_most_gives_the_similarity():
    row = talk(("user", "Hi"), ("assistant", "Hello"), ("user", QUESTION + " Please."), ("assistant", "72"))
    assert matches(suite_rows(asked(QUESTION)), said("a", "b"), row).similarity[0] > 0.8


@pytest.mark.parametrize("ngram", [5, 8, 13])
@settings(max_examples=100, deadline=None)
@given(st.integers(60, 160), st.lists(st.tuples(st.integers(0, 159), st.sampled_from(["", "x", "x y"])), max_size=3))
def test_a_near_duplicate_is_always_found(ngram: int, count: int, edits: list[tuple[int, str]]):
    """Edits that leave a similarity of 0.8 leave more than half of the runs, so that counting those finds it."""
    question = [f"w{n % 97}" for n in range(count)]
    said_words = list(question)
    for at, instead in edits:
        said_words[at % count] = instead
    said_words = " ".join(said_words).split()
    one, other = ({tuple(text[at : at + 5]) for at in range(len(text) - 4)} for text in (question, said_words))
    similarity = len(one & other) / len(one | other)
    found = matches(suite_rows(asked(" ".join(question))), said(" ".join(said_words), "x"), ngram=ngram)
    if similarity >= 0.8:
        assert found.rule[0] in (EXACT, NEAR_DUPLICATE)
        assert found.similarity[0] == pytest.approx(similarity)
    else:
        assert NEAR_DUPLICATE not in found.rule


def test_one_8_gram_flags_far_more_of_gsm8k_than_coverage(realdata: Path):
    """On the published test questions 60 have an 8-gram in the training file, and 2 are covered by more than half;
    here the training file's own first 1,319 rows against the rest, their answers compared, too."""
    lines = (realdata / "gsm8k/train.jsonl").read_text("utf-8").splitlines()
    rows = [said(row["question"], row["answer"]) for row in map(json.loads, lines)]
    found = matches(suite_rows(*rows[:1319]), *rows[1319:])
    any_eight, any_thirteen = (found.touching > 0).sum(axis=1)
    assert compromised(found) < any_thirteen < any_eight
    assert any_eight > 10 * compromised(found) > 0


def test_t21_real_data_raise_no_false_alarm_against_mt_bench_and_xstest(realdata: Path):
    lines = (realdata / "mt_bench/question.jsonl").read_text("utf-8").splitlines()
    bench = suite_rows(*(asked(*json.loads(line)["turns"]) for line in lines), source="mt_bench")
    with (realdata / "safety/xstest_prompts.csv").open(encoding="utf-8") as file:
        safety = suite_rows(*(asked(row["prompt"]) for row in csv.DictReader(file)), source="xstest")
    training = [
        *t0(realdata, files=60),
        *alpaca(realdata),
        *alpaca(realdata, "zh/alpaca_zh_demo.json"),
        *alpaca(realdata, "code/code_alpaca_2k.json"),
    ]
    found = matches([*bench, *safety], *training)
    assert len(training) > 12_000
    assert pairs(found) == []
    assert 0 < (found.touching[0] > 0).sum() < 5


def test_t12_chinese_rows_against_one_another_raise_few_alarms_and_edited_ones_are_found(realdata: Path):
    rows = alpaca(realdata, "zh/alpaca_zh_demo.json")
    asks = [row for row in rows if len(row.messages[0].content) > 30][:200]
    others = [row for row in rows if row not in asks]
    assert compromised(matches(suite_rows(*asks), *others)) == 0
    edited = [said(f"请认真回答：{ask.messages[0].content[2:-2]}，谢谢你", "好") for ask in asks]
    found = matches(suite_rows(*asks), *edited)
    assert compromised(found) > 0.9 * len(asks)
