"""What `evaluate` and `compare` share: the store to keep scores in, models asked, and a table of what came of it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.project import HOME, make_home, nearest_home, read_last

if TYPE_CHECKING:
    from rich.table import Table

    from flows.console import TerminalReporter
    from tuneloom.artifacts import Store
    from tuneloom.evaluate.side_by_side import Line, Score
    from tuneloom.suites import Suite


def scoring_place(options: argparse.Namespace, reporter: "TerminalReporter") -> tuple[Path, "Store"]:
    """The `.tuneloom` at hand, or a new one here, and the store of its last run, or a new one in it."""
    from tuneloom.artifacts import Store

    home = options.home.resolve() if options.home else nearest_home(Path.cwd()) or Path.cwd() / HOME
    make_home(home)
    last = read_last(home)
    return home, Store(last.store if last else home / "store", reporter.say)


def allow_hub_for(models: Sequence[str]) -> None:
    """Sets the offline environment; the hub may be asked where one of the models is named as on the hub."""
    import os

    from flows.settings import offline_environment

    os.environ.update(offline_environment())
    from tuneloom.models.resolve import is_hub_name

    if any(is_hub_name(model) for model in models if not model.startswith("models:/")):
        os.environ.pop("HF_HUB_OFFLINE", None)


def suites_of(options: argparse.Namespace) -> list["Suite"]:
    """The suites of --suite, with the user's own of --plugin, relative to the working directory."""
    from tuneloom.suites import load_suites

    return load_suites(dict.fromkeys(options.suite), Path.cwd(), options.plugin)


def score_table(scores: Sequence["Score"]) -> "Table":
    """A line a metric of one model."""
    table = _table(("metric", "score", "interval", "items", "tells differences from"))
    for one in scores:
        score = f"not assessable: {one.not_assessable}" if one.not_assessable else _number(one.score)
        table.add_row(one.metric, score, _ends(one.low, one.high), str(one.n), _number(one.detectable))
    return table


def line_table(lines: Sequence["Line"], first: str, second: str) -> "Table":
    """A line a metric of two models; the difference is the first's less the second's."""
    heads = ("metric", first, second, "difference", "interval", "p (Holm)", "items", "wins-losses", f"{first} is")
    table = _table(heads)
    for one in lines:
        needs = f" ({one.rows_needed:,} items would tell)" if one.rows_needed else ""
        cells = (one.metric, _number(one.first), _number(one.second), _number(one.difference),
                 _ends(one.low, one.high), _number(one.p), str(one.n), f"{one.wins}-{one.losses}",
                 one.outcome + needs)  # fmt: skip
        table.add_row(*cells)
    return table


def _table(heads: Sequence[str]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, overflow="fold", no_wrap=number == 0)
    return table


def _ends(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"[{low:.3g}, {high:.3g}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
