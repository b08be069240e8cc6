"""Geometry of the report's drawings: numbers to SVG coordinates. The template draws, so colours follow the theme."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 10, 26
"""Room for the labels, in SVG units."""


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis; `at` is its x or y."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """A line through measured points, one faint (each step) and one smooth (their running mean)."""

    raw: str
    smooth: str
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    first: float
    last: float


@dataclass(frozen=True)
class Interval:
    """A confidence interval as per cent of a bar whose `zero` is no difference."""

    low: float
    point: float
    high: float
    zero: float


def loss_curve(steps: Sequence[int], losses: Sequence[float]) -> Curve | None:
    """The loss over steps; None for fewer than two finite points (there is no line to draw).

    Steps 1, 2 with losses 3.0, 1.0: `raw` runs from the top left to the bottom right corner.
    """
    points = [(x, y) for x, y in zip(steps, losses, strict=True) if math.isfinite(y)]
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return None
    smooth = running_mean([y for _, y in points])
    x_low, x_high = points[0][0], points[-1][0]
    y_low, y_high = min(y for _, y in points), max(y for _, y in points)
    y_high = y_high if y_high > y_low else y_low + 1e-6

    def place_x(x: float) -> float:
        return round(LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT), 1)

    def place_y(y: float) -> float:
        return round(HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM), 1)

    def path(values: Sequence[float]) -> str:
        return " ".join(f"{place_x(x)},{place_y(y)}" for (x, _), y in zip(points, values, strict=True))

    return Curve(
        raw=path([y for _, y in points]),
        smooth=path(smooth),
        x=tuple(Tick(place_x(x), f"{x:g}") for x in round_ticks(x_low, x_high, 6)),
        y=tuple(Tick(place_y(y), f"{y:g}") for y in round_ticks(y_low, y_high, 4)),
        first=smooth[0],
        last=smooth[-1],
    )


def running_mean(values: Sequence[float], share: float = 0.1) -> list[float]:
    """Mean of each value and its neighbours, a tenth of the line wide: `[1, 3, 2]` -> `[1, 3, 2]` (too short)."""
    half = int(len(values) * share / 2)
    windows = (values[max(0, i - half) : i + half + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers within a range, as many as fit in `most`: `round_ticks(1.55, 2.45, 4)` -> `[1.6, 2.0, 2.4]`."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power * factor for factor in (1, 2, 4, 5, 10, 20)):
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < most:
            return [round(number * step, 10) for number in range(first, last + 1)]
    return []


def interval(low: float, point: float, high: float) -> Interval:
    """`interval(-1, 0, 1)` -> zero and point at 50 %, the ends near 0 and 100 %; zero is always in sight."""
    least, most = min(low, 0.0), max(high, 0.0)
    room = (most - least) * 0.06 or 1.0
    least, most = least - room, most + room

    def place(value: float) -> float:
        return round((value - least) / (most - least) * 100, 1)

    return Interval(place(low), place(point), place(high), place(0.0))
