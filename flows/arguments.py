"""Arguments that several commands share. Imports nothing, so that `--help` answers at once."""

import argparse
from pathlib import Path


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG, --set and --limit, for the commands that plan a run."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a YAML config")
    add_override_arguments(parser)


def add_override_arguments(parser: argparse.ArgumentParser) -> None:
    """--set and --limit."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="override a setting"
    )
    parser.add_argument("--limit", type=count, metavar="N", help="read only the first N rows of each file")


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def count(text: str) -> int:
    """A whole number of at least 1. Raises ArgumentTypeError, which argparse reports with the option's name."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number
