"""Tell how the data of two runs differ: rows added, gone and changed, by side, and why."""

import argparse

from flows.arguments import add_json_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two runs."""
    help = "a run as `--json` names it, or its first digits; `last`: the last one; `released`: the last that released"
    parser.add_argument("before", metavar="RUN", help=help)
    parser.add_argument("now", metavar="RUN", help="likewise")
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Compares what the mixtures of both runs handed on."""
    import json

    from flows.console import TerminalReporter
    from flows.project import store_at
    from tuneloom.runs import find_run
    from tuneloom.snapshot import check_snapshot, difference, lines, snapshot_of

    reporter = TerminalReporter(to_stderr=options.json)
    store = store_at(options, reporter.say)
    records = [find_run(store, name) for name in (options.before, options.now)]
    before, now = (check_snapshot(snapshot_of(store, record), record) for record in records)
    told = difference(before, now)
    if options.json:
        print(json.dumps({"before": records[0].identity, "now": records[1].identity, **told}, ensure_ascii=False))
        return 0
    for name, record in zip(("before", "now"), records, strict=True):
        reporter.say(f"{name:<9} {record.identity[:12]}  {record.name}, started {record.started}")
    for line in list(lines(told)) or ["  the same rows, on the same sides"]:
        reporter.say(line)
    return 0
