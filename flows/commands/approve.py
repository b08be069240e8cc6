"""Let pass what a run waits for: a budget that its data exceed. The next run of the same config goes on."""

import argparse

from flows.arguments import add_json_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, and who approves why."""
    parser.add_argument("run", metavar="RUN", help="the run that waits, as its error names it; `last`: the last one")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why it may pass; kept with the approval")
    parser.add_argument("--reviewer", metavar="NAME", help="who approves; default: the user of this session")
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Records the approval in the store."""
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from flows.console import TerminalReporter
    from flows.project import store_at
    from tuneloom.approvals import approve
    from tuneloom.release.processes import user_name
    from tuneloom.runs import find_run

    reporter = TerminalReporter(to_stderr=options.json)
    store = store_at(options, reporter.say)
    record, now = find_run(store, options.run), datetime.now(UTC).isoformat(timespec="seconds")
    given = approve(store, record.identity, options.reviewer or user_name(), now, options.reason)
    if options.json:
        print(json.dumps(asdict(given), ensure_ascii=False))
        return 0
    for what in given.approved:
        reporter.say(f"approved by {given.reviewer}: {what}")
    reporter.say("Run again: it goes on from there.")
    return 0
