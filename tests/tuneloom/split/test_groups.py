"""Leak groups: rows that share a prompt or a long passage hang together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.dedup.builders import numbered, said
from tuneloom.records import Conversation, to_table
from tuneloom.split.groups import Groups, leak_groups
from tuneloom.split.links import Links, strong_links
from tuneloom.text.kind import detect_kind

PASSAGE = "The quick brown fox jumps over the lazy dog by the river."


def grouped(*rows: Conversation) -> list[int]:
    """Group of each row, numbered by first appearance."""
    labels = leak_groups([strong_links(to_table(numbered(rows)), 0)], [], len(rows)).labels.tolist()
    return [list(dict.fromkeys(labels)).index(label) for label in labels]


def asked(instruction: str, passage: str, field: str = "input") -> Conversation:
    return said(f"{instruction}\n{passage}", "A", fields={"instruction": instruction, field: passage})


def test_one_prompt_is_one_group_whatever_the_answer():
    assert grouped(said("What is it?", "yes"), said("what is it", "no"), said("What else?", "no")) == [0, 0, 1]


def test_one_prompt_is_one_group_whatever_kind_of_row_its_answer_makes():
    asked_for = "Write a Python function that returns the larger of two numbers."
    code = "def larger(a, b):\n    if a > b:\n        return a\n    return b\n" * 5
    rows = [
        said(asked_for, answer, kind=detect_kind(f"{asked_for}\n{answer}")) for answer in (code, "I would use max.")
    ]
    assert [row.kind for row in rows] == ["code", "natural"]
    assert grouped(*rows) == [0, 0]
    passages = [
        said("x", "y", fields={"instruction": f"{n}.", "input": PASSAGE}, kind=row.kind) for n, row in enumerate(rows)
    ]
    assert grouped(*passages) == [0, 0]


@pytest.mark.parametrize("field", ["input", "context"])
def test_one_passage_is_one_group_whatever_the_question(field: str):
    rows = [
        asked("Summarise.", PASSAGE, field),
        asked("Translate.", PASSAGE.upper(), field),
        asked("Translate.", "x", field),
    ]
    assert grouped(*rows) == [0, 0, 1]


def test_a_passage_meets_a_prompt_of_the_same_words():
    assert grouped(asked("Summarise.", PASSAGE), said(PASSAGE, "A")) == [0, 0]


def test_short_passages_do_not_tie_rows_together():
    assert grouped(asked("Capital?", "France"), asked("Currency?", "France")) == [0, 1]
    assert grouped(asked("翻译", "今天天气很好我们去公园"), asked("总结", "今天天气很好，我们去公园。")) == [0, 0]


def test_groups_join_through_others():
    other = "A second passage that is long enough to be one."
    both = said("x", "y", fields={"instruction": "Compare.", "input": PASSAGE, "context": other})
    assert grouped(asked("One.", PASSAGE), asked("Two.", other), both) == [0, 0, 0]


def test_the_anchor_is_the_smallest_key_of_the_group():
    found = groups_of([[3, 7], [7], [5]])
    assert found.anchors.tolist() == [3, 3, 5]


def groups_of(keys_of_rows: list[list[int]]) -> Groups:
    return leak_groups([linked(keys_of_rows)], [], len(keys_of_rows))


def linked(keys_of_rows: list[list[int]]) -> Links:
    pairs = [(row, key) for row, keys in enumerate(keys_of_rows) for key in keys]
    return Links(np.array([row for row, _ in pairs], np.int64), np.array([key for _, key in pairs], np.uint64))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), max_size=15))
def test_groups_are_the_connected_components(keys_of_rows: list[list[int]]):
    components: list[set[int]] = []
    for keys in keys_of_rows:
        touching = [found for found in components if found & set(keys)]
        components = [found for found in components if found not in touching] + [set(keys).union(*touching)]
    expected = [min(next(found for found in components if keys[0] in found)) for keys in keys_of_rows]
    assert groups_of(keys_of_rows).anchors.tolist() == expected


def test_a_long_chain_is_one_group():
    assert set(groups_of([[n, n + 1] for n in range(3000)]).anchors.tolist()) == {0}


def test_no_rows():
    assert leak_groups([], [], 0).labels.tolist() == []


OWN = [[n] for n in range(8)]
"""A strong key of its own for each of eight rows."""


def test_t4_a_span_that_would_join_too_many_is_cut_and_told():
    """A passage joins rows 0 to 2 and another 3 to 5; a phrase that stands in all of them would make one of six."""
    spans = [[100, 300], [100, 300], [100, 300], [200, 300], [200, 300], [200, 300], [], []]
    found = leak_groups([linked(OWN)], [linked(spans)], 8, cap=4)
    assert found.labels.tolist() == [0, 0, 0, 3, 3, 3, 6, 7]
    assert (found.cut.tolist(), found.cut_rows) == ([300], 6)
    whole = leak_groups([linked(OWN)], [linked(spans)], 8, cap=6)
    assert (whole.labels.tolist(), whole.cut_rows) == ([0] * 6 + [6, 7], 0)


def test_the_rarest_wording_joins_first_whatever_its_key():
    for rare, frequent in ((1, 2), (2, 1)):
        spans = [[rare + 100], [rare + 100, frequent + 100], [frequent + 100], [frequent + 100], [], [], [], []]
        found = leak_groups([linked(OWN)], [linked(spans)], 8, cap=3)
        assert found.labels.tolist()[:4] == [0, 0, 2, 3]
        assert found.cut.tolist() == [frequent + 100]


def test_one_prompt_is_never_cut_however_many_rows_ask_it():
    found = leak_groups([linked([[1]] * 8)], [linked([[5]] * 8)], 8, cap=2)
    assert (set(found.labels.tolist()), found.cut_rows) == ({0}, 0)


def test_a_span_does_not_move_the_anchor():
    found = leak_groups([linked([[70], [60], [50]])], [linked([[3], [3], []])], 3)
    assert found.anchors.tolist() == [60, 60, 50]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.integers(0, 12), max_size=3), max_size=15), st.integers(1, 6), st.randoms())
def test_t13_cut_groups_do_not_depend_on_the_order_of_rows(keys_of_rows: list[list[int]], cap: int, random):
    count = len(keys_of_rows)
    order = list(range(count))
    random.shuffle(order)
    strong, spans = linked([[100 + n] for n in range(count)]), linked(keys_of_rows)
    found = leak_groups([strong], [spans], count, cap)
    again = leak_groups([linked([[100 + n] for n in order])], [linked([keys_of_rows[n] for n in order])], count, cap)
    assert [again.anchors[order.index(n)] for n in range(count)] == found.anchors.tolist()
    assert np.bincount(found.labels, minlength=1).max(initial=0) <= cap
