"""Score a model on suites, and against another with --baseline: paired differences with intervals.

Every score is kept in the store: what a model was asked once is not asked again, and `compare` finds it.
"""

import argparse
from pathlib import Path

from flows.arguments import add_json_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, --suite, --baseline."""
    parser.add_argument("model", metavar="MODEL", help="models:/NAME@champion, a folder, or a name")
    parser.add_argument(
        "--suite", nargs="+", action="extend", required=True, metavar="S", help="a suite that ships, or a YAML file"
    )
    parser.add_argument("--baseline", metavar="MODEL", help="another model, asked the same")
    parser.add_argument(
        "--plugin", type=Path, action="append", default=[], metavar="FILE", help="a metric or suite of your own"
    )
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Asks what was not asked yet, and prints a table."""
    import json

    from flows.console import TerminalReporter
    from flows.scoring import allow_hub_for, line_table, score_table, scoring_place, suites_of
    from tuneloom.evaluate.alone import plan_lines, score_alone
    from tuneloom.evaluate.side_by_side import as_json, gap_lines, scores_of, side_by_side
    from tuneloom.evaluate.sides import side_of_scores
    from tuneloom.release.named_model import find_model

    named = [options.model, *([options.baseline] if options.baseline else [])]
    allow_hub_for(named)
    reporter = TerminalReporter(to_stderr=options.json)
    suites = suites_of(options)
    home, store = scoring_place(options, reporter)
    models = [find_model(name, home) for name in named]
    for line in plan_lines(suites):
        reporter.say(line)
    try:
        found = score_alone(store, models, suites, reporter.step("evaluate"))
    finally:
        reporter.close()
    sides = [side_of_scores(one.name, one.base.digest, found[str(one.digest)]) for one in models]
    kept = {one.name: {suite: str(a.folder) for suite, a in found[str(one.digest)].items()} for one in models}
    lines = side_by_side(sides[0], sides[1]) if options.baseline else []
    if options.json:
        told = {"model": models[0].name, "baseline": models[1].name if options.baseline else None}
        scores = {side.name: as_json(scores_of(side)) for side in sides}
        print(json.dumps({**told, "scores": scores, "differences": as_json(lines), "kept": kept}, ensure_ascii=False))
        return 0
    table = line_table(lines, "model", "baseline") if options.baseline else score_table(scores_of(sides[0]))
    reporter.console.print(table)
    for gap in gap_lines(*sides) if options.baseline else ():
        reporter.say(gap)
    reused = sum(artifact.reused for by in found.values() for artifact in by.values())
    reporter.say(f"{sum(map(len, found.values()))} scores kept in {store.url}, {reused} of them known before")
    return 0
