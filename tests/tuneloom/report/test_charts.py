"""Numbers to coordinates."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tuneloom.report.charts import HEIGHT, WIDTH, interval, loss_curve, round_ticks, running_mean

LOSSES = st.lists(st.floats(0.001, 1e4), min_size=2, max_size=80)


def test_a_falling_loss_runs_from_the_top_left_to_the_bottom_right() -> None:
    curve = loss_curve([1, 2], [3.0, 1.0])
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in curve.raw.split())
    assert x1 < x2
    assert y1 < y2  # SVG counts downwards
    assert (curve.first, curve.last) == (3.0, 1.0)


@given(LOSSES)
def test_every_point_lies_inside_the_drawing(losses: list[float]) -> None:
    curve = loss_curve(range(1, len(losses) + 1), losses)
    for point in f"{curve.raw} {curve.smooth}".split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert all(0 <= tick.at <= WIDTH for tick in (*curve.x, *curve.y))


def test_there_is_no_curve_through_fewer_than_two_finite_points() -> None:
    assert loss_curve([], []) is None
    assert loss_curve([1], [2.0]) is None
    assert loss_curve([1, 2], [2.0, math.nan]) is None


def test_a_running_mean_is_a_tenth_of_the_line_wide() -> None:
    assert running_mean([1.0, 3.0, 2.0]) == [1.0, 3.0, 2.0]
    smooth = running_mean([0.0] * 10 + [10.0] + [0.0] * 9)  # 20 values: one neighbour on each side
    assert smooth[9:12] == [10 / 3] * 3
    assert sum(smooth) == 10.0


def test_ticks_are_round_and_inside() -> None:
    assert round_ticks(0.3, 2.9, 4) == [1.0, 2.0]
    assert round_ticks(1, 60, 6) == [10, 20, 30, 40, 50, 60]
    assert round_ticks(1.55, 2.45, 4) == [1.6, 2.0, 2.4]


@given(st.floats(-100, 100), st.floats(1e-3, 1e3), st.integers(2, 8))
def test_ticks_are_few_but_never_none(low: float, span: float, most: int) -> None:
    ticks = round_ticks(low, low + span, most)
    assert 1 <= len(ticks) <= most
    assert most < 4 or len(ticks) >= 2
    assert all(low - 1e-6 <= tick <= low + span + 1e-6 for tick in ticks)


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(0, 1e3))
def test_an_interval_keeps_its_order_and_zero_in_sight(point: float, below: float, above: float) -> None:
    bar = interval(point - below, point, point + above)
    assert 0 <= bar.low <= bar.point <= bar.high <= 100
    assert 0 <= bar.zero <= 100


def test_an_interval_around_nothing_is_centred() -> None:
    bar = interval(-1, 0, 1)
    assert (bar.point, bar.zero) == (50, 50)
    assert bar.low + bar.high == 100
