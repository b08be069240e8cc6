"""Prepare the data only: the pipeline up to the tokenised shards (run --until render)."""

import argparse

from flows.arguments import add_config_arguments, add_json_argument
from flows.commands.run import run

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """CONFIG."""
    add_config_arguments(parser)
    add_json_argument(parser)
    parser.set_defaults(until="render")
