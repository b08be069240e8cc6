"""Overlap of rows with evaluation texts, against a brute-force count."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.decontaminate.builders import asked, suite_rows
from tuneloom.decontaminate.index import index_of
from tuneloom.decontaminate.items import folded_as_prose, read_items
from tuneloom.decontaminate.overlap import overlaps
from tuneloom.records import to_table
from tuneloom.text.ngrams import ngrams
from tuneloom.text.shingles import words

TEXT = st.lists(st.sampled_from("abcd"), max_size=12).map(" ".join)
LENGTH = 3


def runs(text: str) -> set[tuple[str, ...]]:
    said = text.split()
    return {tuple(said[at : at + LENGTH]) for at in range(len(said) - LENGTH + 1)}


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=3), st.lists(st.lists(TEXT, max_size=3), max_size=4), st.integers(1, 4))
def test_as_much_as_a_brute_force_count_finds(evaluation, rows, least):
    """At most three evaluation texts, so that none of their wording is shared by a file."""
    items = read_items([to_table(suite_rows(*(asked(text) for text in evaluation)))])
    held = [items.texts[at].as_py() for at in range(len(items.item))]
    turns = [turn for row in rows for turn in row]
    bounds = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    made = overlaps(
        ngrams(words(folded_as_prose(pa.array(turns, pa.large_string()))), LENGTH),
        bounds,
        index_of(ngrams(words(items.folded), LENGTH), items),
        items.item,
        np.full(len(held), least),
        len(items),
    )
    counts = {
        (number, text): len(set().union(*map(runs, row)) & runs(held[text]))
        for number, row in enumerate(rows)
        for text in range(len(held))
    }
    found = dict(zip(zip(made.rows.tolist(), made.texts.tolist(), strict=True), made.found.tolist(), strict=True))
    assert found == {pair: count for pair, count in counts.items() if count >= least}
    assert [*found] == sorted(found)
    expected = np.zeros(len(items), int)
    for (_, text), count in counts.items():
        expected[items.item[text]] += count > 0
    assert made.touching.tolist() == expected.tolist()


def test_as_many_pairs_as_there_are():
    """More than the kernel makes room for at first."""
    items = read_items([to_table(suite_rows(asked("a b c")))])
    grams = ngrams(words(folded_as_prose(pa.array(["a b c d"] * 1000, pa.large_string()))), LENGTH)
    index = index_of(ngrams(words(items.folded), LENGTH), items)
    made = overlaps(grams, np.arange(1001), index, items.item, np.ones(1, np.int64), 1)
    assert made.rows.tolist() == list(range(1000))
    assert made.touching.tolist() == [1000]
