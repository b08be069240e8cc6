"""The total order of survivors (T5)."""

import random

import numpy as np

from tests.tuneloom.dedup.builders import Row, make_ledger, said
from tuneloom.dedup.order import LONG, survivor_order
from tuneloom.records import Origin, to_table


def ordered(
    rows: list[Row],
    lengths: list[int] | None = None,
    priorities: dict[str, int] | None = None,
    released: tuple[int, ...] = (),
) -> list[int]:
    ledger, before = make_ledger([to_table(rows)]), np.isin(np.arange(len(rows)), released)
    return survivor_order(ledger, np.array(lengths or [1] * len(rows)), priorities or {}, before).tolist()


def test_priority_then_references_then_length():
    rows = [
        (Origin("low", "a", 1), said("p", "a", references=("a", "b", "c"))),
        (Origin("high", "a", 1), said("p", "a")),
        (Origin("high", "a", 2), said("p", "a", references=("a", "b"))),
        (Origin("high", "a", 3), said("p", "a")),
    ]
    assert ordered(rows, [9, 1, 1, 5], {"high": 2, "low": 1}) == [2, 3, 1, 0]
    assert ordered(rows, [9, 1, 1, 5]) == [0, 2, 3, 1]


def test_t5_what_was_released_before_survives_whatever_came_since():
    rows = [
        (Origin("low", "a", 1), said("p", "a")),
        (Origin("high", "a", 1), said("p", "b", references=("a", "b"))),
        (Origin("low", "a", 2), said("p", "c")),
    ]
    assert ordered(rows, [1, 9, 5], {"high": 5}) == [1, 2, 0]
    assert ordered(rows, [1, 9, 5], {"high": 5}, released=(0,)) == [0, 1, 2]


def test_the_content_hash_then_the_origin_decide_the_rest():
    rows = [
        (Origin("s", file, row), said("p", text)) for file, row, text in (("b", 1, "x"), ("a", 2, "x"), ("a", 1, "x"))
    ]
    assert ordered(rows) == [2, 1, 0]
    other = to_table([(Origin("s", "z", 9), said("p", "y"))])["content_hash"][0].as_py()
    same = to_table(rows)["content_hash"][0].as_py()
    place = 0 if other < same else 3
    assert ordered([*rows, (Origin("s", "z", 9), said("p", "y"))]).index(3) == place


def test_t5_longer_is_better_within_reason():
    rows = [(Origin("s", "a", n), said("p", "a")) for n in range(5)]
    assert ordered(rows, [10, LONG, LONG + 1, 50 * LONG, 20]) == [1, 4, 0, 2, 3]


def test_only_training_rows_compete():
    rows = [
        (Origin("s", "a", n), said("p", "a", use=use)) for n, use in enumerate(("evaluate", "train", "decontaminate"))
    ]
    assert ordered(rows) == [1]


def test_t5_the_order_of_the_files_changes_nothing():
    rows = [(Origin(f"s{n % 3}", f"f{n % 5}", n), said("p", str(n % 7))) for n in range(60)]
    best = [rows[i][0] for i in ordered(rows, [n % 4 for n in range(60)], {"s1": 1})]
    shuffled = list(enumerate(rows))
    random.Random(3).shuffle(shuffled)
    again = [row for _, row in shuffled]
    order = ordered(again, [n % 4 for n, _ in shuffled], {"s1": 1})
    assert [again[i][0] for i in order] == best


def test_no_rows():
    assert ordered([], []) == []
