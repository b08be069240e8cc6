"""The mixture that came out, as lines for the terminal: a table with a bar for each share."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NAMES = ("source", "task", "language", "category")
MOST, BAR = 20, 40
"""Lines a table, and characters of a bar that means all uses."""


def mixture_lines(stats: Mapping[str, Any]) -> Iterator[str]:
    """A table by source, task, language and category; those with one line alone tell nothing and are left out.

    `qa       10 of 12     20   40.0%  ################` has 10 rows of 12, used 20 times.
    """
    for name in NAMES:
        rows = stats["mixture"].get(name, [])
        if rows and (name == "source" or len(rows) > 1):
            yield ""
            yield from _table(name, rows)
    left = ", ".join(f"{count:,} by {rule}" for rule, count in stats["not_selected"].items() if count)
    yield ""
    yield f"not selected: {left or 'none'}; uses beyond a row's first: {stats['repeated']:,}"


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    width = min(40, max(len(name), *(len(str(row[name] or "not named")) for row in rows[:MOST])))
    tokens = "tokens" in rows[0]
    yield f"{name:<{width}}  {'rows':>17}  {'used':>9}  {'tokens' if tokens else 'characters':>12}  share"
    for row in rows[:MOST]:
        size, rows_of = row["tokens" if tokens else "characters"], f"{row['rows']:,} of {row['of']:,}"
        label = str(row[name] or "not named")[:width]
        bar = "#" * max(1, round(row["share"] * BAR))
        yield f"{label:<{width}}  {rows_of:>17}  {row['used']:>9,}  {size:>12,}  {row['share']:6.1%}  {bar}"
    if len(rows) > MOST:
        yield f"and {len(rows) - MOST:,} more"
