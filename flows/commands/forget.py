"""Take rows down: they never train again, what holds them is deleted, and the models that saw them are listed."""

import argparse
from pathlib import Path

from flows.arguments import add_json_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG and the rows."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a YAML config")
    parser.add_argument("wanted", metavar="ID|FILE", help="a row's id, or a file of ids, one a line")
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
    from tuneloom.forget import LIST, forget, parse_ids
    from tuneloom.plan import store_of

    reporter = TerminalReporter(to_stderr=options.json)
    ids, config, home = parse_ids(options.wanted), config_of(options), home_of(options)
    folder = options.config.resolve().parent
    takedowns = folder / (config.takedowns or LIST)
    why = f"{options.why or 'asked for'}, {datetime.now(UTC):%Y-%m-%d}"
    decisions = folder / config.review.decisions if config.review.decisions else None
    done = forget(store_of(config, folder, home, reporter.say), home, takedowns, ids, why, decisions)
    if options.json:
        told = {"ids": ids, "list": str(takedowns), "listed": done.listed}
        told |= {"artifacts": [str(one) for one in done.artifacts], "models": [asdict(one) for one in done.models]}
        print(json.dumps(told, ensure_ascii=False))
        return 0
    reporter.say(
        f"{len(ids):,} row{'s' if len(ids) > 1 else ''} taken down: {done.listed:,} new in {shown(takedowns)}, "
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
