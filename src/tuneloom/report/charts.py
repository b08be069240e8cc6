"""The report's charts, drawn by matplotlib as SVG for the page itself.

Labels stay text, which the reader's browser sets in its own fonts (Chinese needs no font here), and colours become the
theme's variables, so that a drawing follows the page by day and by night.
"""

import io
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 380
"""Of a drawing in SVG units: a phone shows it at nearly its own size, so that its text stays readable."""
LINE = 34
"""Height of a bar or whisker with its label above, in SVG units."""
LABEL = 46
"""Characters of a label."""
_TONES = {
    name: f"#0000{number:02x}"
    for number, name in enumerate(("ink", "soft", "line", "accent", "faint", "good", "bad", "unsure"), 1)
}
"""Colours that stand for the page's variables until the drawing is done."""


@dataclass(frozen=True)
class Bar:
    """A labelled bar of parts, each a share of the whole width from 0 to 1 and the name of its colour."""

    label: str
    parts: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Whisker:
    """A labelled difference with its interval (None where there is none) and the name of its colour."""

    label: str
    low: float | None
    point: float
    high: float | None
    tone: str


@dataclass(frozen=True)
class Interval:
    """A confidence interval as per cent of a bar whose `zero` is no difference."""

    low: float
    point: float
    high: float
    zero: float


def loss_chart(
    steps: Sequence[int],
    losses: Sequence[float],
    looks: Sequence[tuple[int, float]] = (),
    chosen: int | None = None,
) -> str | None:
    """The training loss over steps, faint, its running mean, and what the validation side said at some of them, with
    the step whose weights were kept. SVG; None for fewer than two finite points (there is no line to draw)."""
    points = [(x, y) for x, y in zip(steps, losses, strict=True) if math.isfinite(y)]
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return None
    x, y = zip(*points, strict=True)
    figure, axes = _figure(240, left=44, bottom=28, top=10)
    axes.plot(x, y, color=_TONES["faint"], linewidth=1.2)
    axes.plot(x, running_mean(y), color=_TONES["accent"], linewidth=2.2)
    seen = [(step, loss) for step, loss in looks if math.isfinite(loss)]
    if seen:
        axes.plot(*zip(*seen, strict=True), color=_TONES["unsure"], linewidth=1.6, marker="o", markersize=4)
    if chosen is not None:
        axes.axvline(chosen, color=_TONES["good"], linewidth=1.2, linestyle=(0, (3, 3)))
    axes.yaxis.get_major_locator().set_params(nbins=5)
    axes.xaxis.get_major_locator().set_params(nbins=6, integer=True)
    axes.grid(axis="y", color=_TONES["line"], linewidth=1)
    return _svg(figure, axes, "loss")


def bar_chart(bars: Sequence[Bar], name: str) -> str | None:
    """Bars below one another, each under its label. SVG; None without a bar."""
    if not bars:
        return None
    figure, axes = _figure(LINE * len(bars), left=0, bottom=0, top=0)
    for place, bar in enumerate(bars):
        left = 0.0
        for share, tone in bar.parts:
            axes.barh(place + 0.72, share, 0.32, left=left, color=_TONES[tone])
            left += share
        _label(axes, 0, place, bar.label)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(bars), 0)
    axes.set_axis_off()
    return _svg(figure, axes, name)


def whisker_chart(lines: Sequence[Whisker], name: str) -> str | None:
    """Differences with their intervals below one another, around a line of no difference. SVG; None without a line."""
    if not lines:
        return None
    figure, axes = _figure(LINE * len(lines) + 24, left=6, bottom=24, top=0)
    ends = [value for one in lines for value in (one.low, one.point, one.high, 0.0) if value is not None]
    room = (max(ends) - min(ends)) * 0.04 or 1.0
    axes.set_xlim(min(ends) - room, max(ends) + room)
    for place, one in enumerate(lines):
        at = place + 0.72
        axes.plot([0, 0], [at - 0.2, at + 0.2], color=_TONES["soft"], linewidth=1, linestyle=(0, (2, 2)))
        if one.low is not None and one.high is not None:
            axes.plot([one.low, one.high], [at, at], color=_TONES[one.tone], linewidth=5, solid_capstyle="round")
        axes.plot([one.point], [at], color=_TONES["ink"], marker="o", markersize=4)
        _label(axes, min(ends) - room, place, one.label)
    axes.set_ylim(len(lines), 0)
    axes.set_yticks([])
    return _svg(figure, axes, name)


def running_mean(values: Sequence[float], share: float = 0.1) -> list[float]:
    """Mean of each value and its neighbours, a tenth of the line wide: `[1, 3, 2]` -> `[1, 3, 2]` (too short)."""
    half = int(len(values) * share / 2)
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    ends = [(max(0, i - half), min(len(values), i + half + 1)) for i in range(len(values))]
    return [(sums[stop] - sums[start]) / (stop - start) for start, stop in ends]


def interval(low: float, point: float, high: float) -> Interval:
    """`interval(-1, 0, 1)` -> zero and point at 50 %, the ends near 0 and 100 %; zero is always in sight."""
    least, most = min(low, 0.0), max(high, 0.0)
    room = (most - least) * 0.06 or 1.0
    least, most = least - room, most + room

    def place(value: float) -> float:
        return round((value - least) / (most - least) * 100, 1)

    return Interval(place(low), place(point), place(high), place(0.0))


def _figure(height: float, left: float, bottom: float, top: float) -> tuple[Any, Any]:
    """A drawing of `WIDTH` by `height` with a margin, and its axes in the page's colours."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    right = 8 if left else 0
    place = (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (bottom + top) / height)
    axes = figure.add_axes(place)
    axes.patch.set_visible(False)
    axes.tick_params(labelsize=11, labelcolor=_TONES["soft"], color=_TONES["line"], length=0)
    for side in ("left", "top", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_TONES["line"])
    return figure, axes


def _label(axes: Any, x: float, place: int, text: str) -> None:
    short = text if len(text) <= LABEL else f"{text[:LABEL]} …"
    axes.text(x, place + 0.44, " ".join(short.split()), fontsize=11.5, color=_TONES["ink"], parse_math=False)


def _svg(figure: Any, axes: Any, name: str) -> str:
    """The drawing as an element of a page: `name` keeps its ids apart from other drawings', dates are left out."""
    import matplotlib

    made = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the fonts
        figure.savefig(made, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = made.getvalue()
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text[text.index("<svg") :], count=1, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg class="chart" role="img" \1>', text, count=1)
    text = re.sub(r'<g id="[^"]*"', "<g", text).replace("xlink:href", "href")
    for tone, colour in _TONES.items():
        text = text.replace(colour, f"var(--{tone})")
    return text
