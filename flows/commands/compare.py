"""Compare two models, or two runs, on what both were asked: paired differences, tests, and where each does better.

Differences are A less B. Models are compared on the suites that both have scores on (`tuneloom evaluate`), or on those
of --suite, which are asked where they were not; runs on the rows and suites that both evaluated.
"""

import argparse
from pathlib import Path

from flows.arguments import add_json_argument

SHOWN = 300
"""Characters of a text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A, B."""
    help = "a model as `evaluate` takes it, or a run: its first digits, `last` or `released`"
    parser.add_argument("first", metavar="A", help=help)
    parser.add_argument("second", metavar="B", help="likewise")
    parser.add_argument("--suite", nargs="+", action="extend", default=[], metavar="S", help="ask both models these")
    parser.add_argument(
        "--plugin", type=Path, action="append", default=[], metavar="FILE", help="a metric or suite of your own"
    )
    parser.add_argument(
        "--samples", type=int, default=2, metavar="N", help="answers shown of each suite, each way (2); 0: none"
    )
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Prints a table, samples, and where the page and the reports lie."""
    import json
    from dataclasses import asdict

    from flows.console import TerminalReporter
    from flows.hints import shown
    from flows.scoring import allow_hub_for, line_table, scoring_place, suites_of
    from tuneloom.evaluate.side_by_side import as_json, gap_lines, left_out, side_by_side
    from tuneloom.evaluate.wins import masked, samples
    from tuneloom.release.named_model import ask_named, find_sides, keep_page, report_of, run_named

    named = [options.first, options.second]
    allow_hub_for(named)
    reporter = TerminalReporter(to_stderr=options.json)
    home, store = scoring_place(options, reporter)
    scores = None
    if options.suite:
        try:
            scores = ask_named(named, suites_of(options), store, home, reporter.step("compare"))
        finally:
            reporter.close()
    first, second = find_sides(named, store, home, scores)
    lines, missing = side_by_side(first, second), left_out(first, second)
    shows = [masked(one) for one in samples(first, second, options.samples)]
    page = keep_page(first, second, lines, missing, store)
    runs = [one for one in (run_named(name, store) for name in named) if one]
    reports = [str(path) for path in (report_of(one, store) for one in runs) if path]
    if options.json:
        told = {"first": first.name, "second": second.name, "differences": as_json(lines), "not_compared": missing}
        told |= {"samples": [asdict(one) for one in shows], "page": str(page), "reports": reports}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    reporter.say(f"A is {first.name}, B is {second.name}; differences are A less B")
    reporter.console.print(line_table(lines, "A", "B"))
    if missing:
        reporter.say(f"not compared, for only one has them or they mean another thing: {', '.join(missing)}")
    for gap in gap_lines(first, second):
        reporter.say(gap)
    for one in shows:
        reporter.say(f"\n{one.suite}: {'A' if one.better == 'first' else 'B'} is better by {one.metric}")
        told_by = {"asked": one.prompt, "wanted": " | ".join(one.references), "A": one.first, "B": one.second}
        for what, text in told_by.items():
            reporter.say(f"  {what:<7}{' '.join((text or '–').split())[:SHOWN]}")
    for what, path in [("page", page), *(("report", Path(path)) for path in reports)]:
        reporter.say(f"{what:<9} {shown(path)}")
    return 0
