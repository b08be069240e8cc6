"""`tuneloom show quality`: the rules, histograms with their bounds, and answers to what-if questions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.console import TerminalReporter
    from tuneloom.artifacts import Artifact


def print_quality(artifact: "Artifact", reporter: "TerminalReporter") -> None:
    """Rules as a table, what the safety policy found, then a histogram of each signal that a rule looks at."""
    from rich.table import Table
    from rich.text import Text

    from tuneloom.quality.describe import histogram, rule_table, safety_lines, signals_shown
    from tuneloom.quality.signals import SIGNALS

    stats = artifact.stats
    head, rows = rule_table(stats)
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for name in head:
        table.add_column(name, overflow="fold", justify="right" if name in ("rejects", "alone") else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    edited = "".join(f", {count:,} edited by {name}" for name, count in stats["edited"].items())
    reporter.say(f"\nprofile {stats['profile']}: {stats['judged']:,} rows judged, {stats['masked']:,} masked{edited}")
    reporter.console.print(table)
    for line in safety_lines(stats):
        reporter.say(line)
    for name in signals_shown(stats):
        reporter.say(f"\n{name}: {SIGNALS[name].says if name in SIGNALS else ''}")
        for line in histogram(stats, name):
            reporter.say(f"  {line}")


def print_what_if(
    artifact: "Artifact", rules: Sequence[str], bounds: Sequence[str], reporter: "TerminalReporter"
) -> None:
    """What each rule or changed bound would reject. Raises ConfigError for one that cannot be asked."""
    from tuneloom.quality.stored import read_signals
    from tuneloom.quality.what_if import rules_of_run, what_if_bound, what_if_rule

    signals, asked = read_signals(artifact), rules_of_run(artifact.stats)
    answers = [
        *(what_if_rule(signals, expression) for expression in rules),
        *(what_if_bound(signals, asked, bound) for bound in bounds),
    ]
    for answer in answers:
        reporter.say(f"\n{answer.rule}")
        told = (
            f"  {answer.rejected:,} of {answer.judged:,} rows would be rejected, {answer.new:,} of them kept by the run"
        )
        reporter.say(told + (f"; {answer.freed:,} that it rejected would be kept" if answer.freed else ""))
        for what, counts in (("side", answer.by_side), ("source", answer.by_source)):
            if counts:
                reporter.say(f"  by {what}: " + ", ".join(f"{name} {count:,}" for name, count in counts))
        if answer.examples:
            reporter.say(f"  for example: {', '.join(answer.examples)} (tuneloom trace ID)")
