"""Make a registered version the champion, where the gate's verdict allows it or you say why all the same."""

import argparse
import json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL."""
    parser.add_argument("model", metavar="MODEL", help="models:/NAME/3 or models:/NAME@candidate")
    parser.add_argument("--override", metavar="REASON", help="promote it against the verdict; kept with the version")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Says which version is the champion now."""
    from dataclasses import asdict

    from flows.project import home_of
    from tuneloom.release.by_hand import promote_by_hand

    move = promote_by_hand(home_of(options), options.model, options.override)
    print(json.dumps(asdict(move), ensure_ascii=False) if options.json else move.told)
    return 0
