"""Take rows down: they never train again, what holds them is deleted, and the models that saw them are listed."""

import argparse
from pathlib import Path

from flows.arguments import add_json_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG and the rows."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a YAML config")
    parser.add_argument(
        "wanted",
        metavar="ID|ORIGIN|FILE",
        help="a row's id; its origin SOURCE:FILE:ROW, which names rejected rows too; or a file of them, one a line",
    )
    parser.add_argument("--why", default="", metavar="TEXT", help="who asked for it; kept in the tombstones")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="override a setting"
    )
    add_json_argument(parser)


def run(options: argparse.Namespace) -> int:
    """Takes down, and says what is left to do by hand."""
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from flows.console import TerminalReporter
    from flows.hints import shown
    from flows.project import config_of, home_of
    from tuneloom.forget import LIST, forget
    from tuneloom.plan import store_of
    from tuneloom.takedown_list import read_list
    from tuneloom.takedown_targets import entries_for, parse_wanted

    reporter = TerminalReporter(to_stderr=options.json)
    wanted, config, home = parse_wanted(options.wanted), config_of(options), home_of(options)
    folder = options.config.resolve().parent
    takedowns = folder / (config.takedowns or LIST)
    why = f"{options.why or 'asked for'}, {datetime.now(UTC):%Y-%m-%d}"
    decisions = folder / config.review.decisions if config.review.decisions else None
    store = store_of(config, folder, home, reporter.say)
    entries = entries_for(store, config.name, wanted, read_list(takedowns))
    done = forget(store, home, takedowns, entries, why, decisions)
    if options.json:
        told = {"ids": list(entries), "list": str(takedowns), "listed": done.listed}
        told |= {"artifacts": [str(one) for one in done.artifacts], "models": [asdict(one) for one in done.models]}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    reporter.say(
        f"{len(entries):,} row{'s' if len(entries) > 1 else ''} taken down: {done.listed:,} new in {shown(takedowns)}, "
        f"{len(done.artifacts)} artifacts deleted"
    )
    for model in done.models:
        alias = f" ({', '.join(model.aliases)})" if model.aliases else ""
        saw = "trained on or was judged by them" if model.used else "rejected them before it trained"
        reporter.say(f"  models:/{model.model}/{model.version}{alias} {saw}")
    if any(model.used for model in done.models):
        reporter.say("Whether those models stay is yours to decide.")
    if not done.models:
        reporter.say("No registered model saw them.")
    if config.takedowns is None:
        reporter.say(f"Add this line to {shown(options.config)}, else the next run stops:  takedowns: {LIST}")
    reporter.say("The sources, and files that you exported, still hold what they held.")
    return 0
