"""Take a champion back: the one before it stands again, and who did it and why is kept with the version."""

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """NAME."""
    parser.add_argument("name", metavar="NAME", help="the registered model's name")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; kept with the version")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Says which version is the champion again."""
    from dataclasses import asdict

    from flows.project import home_of
    from tuneloom.release.by_hand import roll_back

    move = roll_back(home_of(options), options.name.removeprefix("models:/").partition("@")[0], options.reason)
    print(json.dumps(asdict(move), ensure_ascii=False) if options.json else move.told)
    return 0
