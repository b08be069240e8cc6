"""Which config, `.tuneloom` and plan a command means: those given, else the last one used, found upwards from here."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

from tuneloom.config import Config, load_config
from tuneloom.errors import MissingFile, NotPermitted
from tuneloom.plan import Plan, make_plan


def plan_of(options: argparse.Namespace, say: Callable[[str], None]) -> Plan:
    """Loads the config and plans its run; remembers both for the commands that are called without a config."""
    path = options.config.resolve()
    home = home_of(options)
    make_home(home)
    plan = make_plan(config_of(options), path.parent, home=home, limit=options.limit, say=say)
    last = {"config": str(path), "overrides": options.overrides, "limit": options.limit}
    (home / "last.json").write_text(json.dumps(last), "utf-8")
    return plan


def last_plan(options: argparse.Namespace, say: Callable[[str], None]) -> Plan:
    """The plan of CONFIG where it is given, else of the last run of the `.tuneloom` at hand."""
    if getattr(options, "config", None):
        return plan_of(options, say)
    home = home_of(options)
    try:
        last = json.loads((home / "last.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise MissingFile(
            "nothing ran here yet", where=str(home), remedy="Start with `tuneloom run CONFIG`."
        ) from error
    path = Path(last["config"])
    return make_plan(load_config(path, last["overrides"]), path.parent, home=home, limit=last["limit"], say=say)


def config_of(options: argparse.Namespace) -> Config:
    """The config with its overrides."""
    return load_config(options.config, options.overrides)


def home_of(options: argparse.Namespace) -> Path:
    """`--home`, else `.tuneloom` beside the config, else the nearest one upwards from here."""
    if options.home:
        return options.home.resolve()
    if getattr(options, "config", None):
        return options.config.resolve().parent / ".tuneloom"
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".tuneloom").is_dir():
            return folder / ".tuneloom"
    raise MissingFile("no .tuneloom here or above", where=str(here), remedy="Name the config, or give --home.")


def make_home(home: Path) -> None:
    """Creates the folder. Raises NotPermitted."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotPermitted(
            f"the .tuneloom folder cannot be created: {error.strerror}",
            where=str(home),
            remedy="Change the folder's permissions, or give --home a folder of yours.",
        ) from error
    if not os.access(home, os.W_OK):
        raise NotPermitted("no permission to write", where=str(home), remedy="Change its mode, or give --home.")
