"""The report's drawings: SVG that follows the theme and shows every label as text."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.report.charts import Bar, Whisker, bar_chart, interval, loss_chart, running_mean, whisker_chart

HOSTILE = "</svg><script>alert(1)</script> $x_2$ 图书馆 &amp;"


def words(svg: str | None) -> str:
    """The text of a drawing, which must be well-formed."""
    return "|".join(text.strip() for text in ElementTree.fromstring(svg or "").itertext() if text.strip())


def test_the_loss_has_a_line_its_mean_and_the_validation_side() -> None:
    steps = list(range(1, 61))
    bare = loss_chart(steps, [3 - step / 30 for step in steps])
    full = loss_chart(steps, [3 - step / 30 for step in steps], [(20, 2.5), (60, 1.2)], chosen=60)
    assert bare
    assert full
    assert "var(--unsure)" not in bare
    assert "var(--unsure)" in full
    assert "var(--good)" in full  # the step whose weights were kept
    assert {"20", "60", "1.5"} <= set(words(full).split("|"))


def test_there_is_no_curve_through_fewer_than_two_finite_points() -> None:
    assert loss_chart([], []) is None
    assert loss_chart([1], [2.0]) is None
    assert loss_chart([1, 2], [2.0, math.nan]) is None


def test_bars_and_whiskers_show_their_labels_as_they_are_and_only_as_text() -> None:
    for svg in (
        bar_chart([Bar(HOSTILE, ((0.5, "accent"), (0.1, "bad")))], "rows"),
        whisker_chart([Whisker(HOSTILE, None, 0.0, None, "good")], "tasks"),
    ):
        assert HOSTILE[:40] in words(svg)
        assert "<script" not in str(svg)


def test_a_drawing_has_the_themes_colours_alone_fetches_nothing_and_is_the_same_twice() -> None:
    lines = [Whisker("qa", -1.0, 0.5, 2.0, "good"), Whisker("sum", None, 0.1, None, "unsure")]
    svg = whisker_chart(lines, "tasks") or ""
    assert svg == whisker_chart(lines, "tasks")
    colours = re.findall(r"#[0-9a-f]{6}\b", re.sub(r'(?:href|url\()="?#\w+', "", svg))
    assert not colours
    assert "http" not in svg.replace("http://www.w3.org/", "")
    assert "<style" not in svg


def test_nothing_to_draw_is_no_drawing() -> None:
    assert bar_chart([], "rows") is None
    assert whisker_chart([], "tasks") is None


def test_a_running_mean_is_a_tenth_of_the_line_wide() -> None:
    assert running_mean([1.0, 3.0, 2.0]) == [1.0, 3.0, 2.0]
    smooth = running_mean([0.0] * 10 + [10.0] + [0.0] * 9)  # 20 values: one neighbour on each side
    assert smooth[9:12] == pytest.approx([10 / 3] * 3)
    assert sum(smooth) == pytest.approx(10.0)


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(0, 1e3))
def test_an_interval_keeps_its_order_and_zero_in_sight(point: float, below: float, above: float) -> None:
    bar = interval(point - below, point, point + above)
    assert 0 <= bar.low <= bar.point <= bar.high <= 100
    assert 0 <= bar.zero <= 100


def test_an_interval_around_nothing_is_centred() -> None:
    bar = interval(-1, 0, 1)
    assert (bar.point, bar.zero) == (50, 50)
    assert bar.low + bar.high == 100
