"""What `tuneloom show quality` prints of the stage's stats: rules as a table, histograms with the bounds drawn."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuneloom.quality.expressions import names_in

WIDTH = 40
"""Characters of the longest bar."""

Stats = Mapping[str, Any]


def rule_table(stats: Stats) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows: what a rule asks, how many rows it rejected and would reject alone, its source; busiest first."""
    head = ("rule", "asks", "of", "rejects", "alone", "source")
    rows: list[tuple[str, ...]] = []
    busiest = sorted(stats["rules"].items(), key=lambda pair: (-pair[1]["rejected"], -pair[1].get("alone", 0), pair[0]))
    for name, rule in busiest:
        of = [", ".join(rule[key]) for key in ("kinds", "languages") if key in rule]
        of += [rule[key] for key in ("scripts", "when") if key in rule]
        asked = f"{rule['value']} {bounds_text(rule)}" if "value" in rule else ""
        alone = f"{rule['alone']:,}" if "alone" in rule else ""
        source = f"{rule.get('source', '')} ({rule['version']})" if "version" in rule else ""
        rows.append((name, asked, "; ".join(of) or "all", f"{rule['rejected']:,}", alone, source))
    return head, rows


def safety_lines(stats: Stats) -> Iterator[str]:
    """`unsafe answer: 3 rows flagged (web 2, faq 1)`, a line a rule that hit; how many unsafe requests were declined.

    No line where nothing was found, or where the policy keeps all unseen.
    """
    told = stats.get("safety", {})
    for rule, setting in (("unsafe answer", "unsafe_answer"), ("toxic words", "toxic")):
        if sources := told.get(rule):
            fate = {"flag": "flagged", "hold": "held for review", "reject": "rejected"}[told["policy"][setting]]
            by_source = ", ".join(f"{name} {count:,}" for name, count in sources.items())
            yield f"{rule}: {sum(sources.values()):,} rows {fate} ({by_source})"
    if declined := told.get("unsafe_requests_declined"):
        yield f"unsafe request that the answer declines: {declined:,} rows kept"


def bounds_text(rule: Mapping[str, Any]) -> str:
    """`>= 0.1`, `<= 0.5`, or both."""
    told = [f">= {rule['min']:g}"] if rule.get("min") is not None else []
    return ", ".join([*told, *([f"<= {rule['max']:g}"] if rule.get("max") is not None else [])])


def bounds_of(stats: Stats, signal: str) -> list[tuple[float, str]]:
    """Where rules bound a signal itself, not an expression of it: [(0.5, "max of degenerate repetition")]."""
    found = [
        (float(rule[end]), f"{end} of {name}")
        for name, rule in stats["rules"].items()
        if rule.get("value") == signal
        for end in ("min", "max")
        if rule.get(end) is not None
    ]
    return sorted(found)


def signals_shown(stats: Stats) -> list[str]:
    """The signals that the profile's rules look at, in their order."""
    texts = [text for rule in stats["rules"].values() for text in (rule.get("value"), rule.get("when")) if text]
    return [
        name for name in dict.fromkeys(name for text in texts for name in names_in(text)) if name in stats["histograms"]
    ]


def histogram(stats: Stats, signal: str) -> Iterator[str]:
    """Lines of bars, a bin each, and a line where a bound lies:

    0.45          3 |##
    ------------ 0.5: max of degenerate repetition
    0.5           1 |#
    """
    edges, counts = stats["histograms"][signal]["edges"], stats["histograms"][signal]["counts"]
    bounds = bounds_of(stats, signal)
    first, last = _range(counts)
    most = max(counts, default=0) or 1
    for number in range(first, last + 1):
        while bounds and bounds[0][0] < edges[number]:
            yield _bound(*bounds.pop(0))
        bar = "█" * max(round(counts[number] / most * WIDTH), 1 if counts[number] else 0)
        yield f"{edges[number]:>8g} {counts[number]:>9,} {bar}".rstrip()
        above = edges[number + 1] if number + 1 < len(edges) else float("inf")
        while bounds and bounds[0][0] < above:
            yield _bound(*bounds.pop(0))
    for bound in bounds:
        yield _bound(*bound)


def _range(counts: Sequence[int]) -> tuple[int, int]:
    """The first and last bin that hold anything."""
    filled = [number for number, count in enumerate(counts) if count]
    return (filled[0], filled[-1]) if filled else (0, 0)


def _bound(value: float, what: str) -> str:
    return f"{'─' * 18} {value:g}: {what}"
