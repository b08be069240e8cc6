"""Signals of whole tables: complete, in order, the same in parts."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.quality import measure as module
from tuneloom.quality.frame import text_frame
from tuneloom.quality.measure import histograms, measure
from tuneloom.quality.signals import SIGNALS


def test_every_signal_has_a_value_for_every_text() -> None:
    frame = measure(text_frame(table([chat("", ""), chat("你好", "\n\n"), chat("x" * 5000, "```")])))
    assert frame.columns == [*SIGNALS, "verb"]
    signals = frame.select(list(SIGNALS))
    assert signals.null_count().row(0) == (0,) * len(SIGNALS)
    assert not signals.select(pl.any_horizontal(pl.all().is_nan().any())).item()


def test_a_table_without_rows_has_the_columns() -> None:
    assert measure(text_frame(table([chat("a", "b")]).slice(0, 0))).columns == [*SIGNALS, "verb"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), min_size=1, max_size=9))
def test_a_row_is_measured_alike_alone_and_among_others(pairs: list[tuple[str, str]]) -> None:
    frame = text_frame(table([chat(*pair) for pair in pairs]))
    whole, size = measure(frame), module._PIECE
    try:
        module._PIECE = 2
        assert measure(frame).equals(whole)
    finally:
        module._PIECE = size
    assert pl.concat([measure(frame[n]) for n in range(len(frame))]).equals(whole)


def test_histograms_of_parts_add_up_to_that_of_the_whole() -> None:
    whole = measure(text_frame(table([chat("q" * n, "a " * (3 * n)) for n in range(20)])))
    parts = [histograms(whole[:7]), histograms(whole[7:])]
    told = histograms(whole)
    assert told["answer_words"] == [a + b for a, b in zip(*(part["answer_words"] for part in parts), strict=True)]
    assert all(sum(counts) == 20 for counts in told.values())
    assert told["prompt_characters"][:4] == [1, 1, 2, 4]
