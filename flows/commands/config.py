"""Print the config's schema, or a config as it is understood."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--schema or --markdown, or a CONFIG to check."""
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG", help="check this config and print it whole")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of every key")
    parser.add_argument("--markdown", action="store_true", help="print docs/config.md: every key with its default")


def run(options: argparse.Namespace) -> int:
    """Prints JSON, or Markdown."""
    import json

    from tuneloom.config import Config
    from tuneloom.config_file import load_config
    from tuneloom.config_reference import reference
    from tuneloom.errors import ConfigError

    if options.schema:
        print(json.dumps(Config.model_json_schema(), indent=1, ensure_ascii=False))
    elif options.markdown:
        print(reference(), end="")
    elif options.config:
        print(load_config(options.config).model_dump_json(indent=1))
    else:
        raise ConfigError(
            "neither a config nor what to print",
            where="tuneloom config",
            remedy="Give a CONFIG, --schema or --markdown.",
        )
    return 0
