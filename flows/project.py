"""Which config, `.tuneloom` and plan a command means: those given, else the last one that ran, found upwards from here.

Only a command that runs makes a `.tuneloom` or notes itself as the last; looking leaves nothing behind.
"""

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tuneloom.artifacts import Artifact, Reference, Store
from tuneloom.config import Config
from tuneloom.config_file import load_config
from tuneloom.errors import ConfigError, MissingFile, NotPermitted
from tuneloom.plan import Plan, make_plan
from tuneloom.runs import latest_run

HOME = ".tuneloom"


@dataclass(frozen=True)
class LastRun:
    """What `.tuneloom/last.json` remembers of the last command that ran: absolute paths, and where its store is."""

    config: str
    overrides: list[str]
    limit: int | None
    store: str


def plan_of(options: argparse.Namespace, say: Callable[[str], None]) -> Plan:
    """Loads the config and plans its run; creates nothing."""
    return _planned(options, config_of(options), home_of(options), say)


def plan_to_run(options: argparse.Namespace, say: Callable[[str], None]) -> Plan:
    """The plan of a command that runs it: its `.tuneloom` is made, and remembers it for commands without a config."""
    config, home = config_of(options), home_of(options)
    make_home(home)
    plan = _planned(options, config, home, say)
    remember(plan, options.config, options.overrides)
    return plan


def remember(plan: Plan, config: Path, overrides: list[str]) -> None:
    """Notes the run of a plan as the last one of its `.tuneloom`."""
    last = LastRun(str(config.resolve()), overrides, plan.limit, plan.store.url)
    part = plan.home / f".last.json.{os.getpid()}"
    part.write_text(json.dumps(asdict(last)), "utf-8")
    os.replace(part, plan.home / "last.json")


def last_plan(options: argparse.Namespace, say: Callable[[str], None]) -> Plan:
    """The plan of CONFIG where it is given, else of the last run of the `.tuneloom` at hand."""
    if getattr(options, "config", None):
        return plan_of(options, say)
    home = home_of(options)
    last = read_last(home)
    if last is None:
        raise MissingFile("nothing ran here yet", where=str(home), remedy="Start with `tuneloom run CONFIG`.")
    path = Path(last.config)
    return make_plan(load_config(path, last.overrides), path.parent, home=home, limit=last.limit, say=say)


def finished(plan: Plan, say: Callable[[str], None]) -> dict[str, Artifact | None]:
    """Each stage's artifact of this plan; those of its last run where that has more, which is said: after a change of
    code, settings or files the plan names what has not run yet, and whoever looks means what ran."""
    found = dict(plan.found())
    before = latest_run(plan.store, plan.config.name)
    left = {s: plan.store.find(Reference(s, key)) for s, key in before.stages.items()} if before else {}
    if sum(map(bool, left.values())) <= sum(map(bool, found.values())):
        return found
    say("(what the last run left: settings, files or code have changed since)")
    return left


def store_at(options: argparse.Namespace, say: Callable[[str], None]) -> Store:
    """The store of the last run of the `.tuneloom` at hand. Raises MissingFile where nothing ran."""
    home = home_of(options)
    last = read_last(home)
    if last is None:
        raise MissingFile("nothing ran here yet", where=str(home), remedy="Start with `tuneloom run CONFIG`.")
    return Store(last.store, say)


def read_last(home: Path) -> LastRun | None:
    """The last run of a `.tuneloom`, or None where nothing ran. Raises ConfigError where the note is damaged."""
    try:
        return LastRun(**json.loads((home / "last.json").read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ConfigError(
            "the note of the last run is damaged", where=str(home / "last.json"), remedy="Run again, or give CONFIG."
        ) from error


def config_of(options: argparse.Namespace) -> Config:
    """The config with its overrides."""
    return load_config(options.config, options.overrides)


def home_of(options: argparse.Namespace) -> Path:
    """`--home`; else the nearest `.tuneloom` upwards from the config, or a new one beside it; without one, from here.

    Raises MissingFile where there is neither a config nor a `.tuneloom`.
    """
    if options.home:
        return options.home.resolve()
    if getattr(options, "config", None):
        beside = options.config.resolve().parent
        return nearest_home(beside) or beside / HOME
    if found := nearest_home(Path.cwd()):
        return found
    raise MissingFile(f"no {HOME} here or above", where=str(Path.cwd()), remedy="Name the config, or give --home.")


def nearest_home(folder: Path) -> Path | None:
    """The `.tuneloom` in `folder`, else in the nearest folder above it, as git looks for a repository.

    What lies in the user's home directory or at the root of the file system serves only who works right there.
    """
    ends = {Path(os.path.expanduser("~")).resolve(), Path(folder.anchor)}
    for place in (folder, *folder.parents):
        if (place / HOME).is_dir() and (place == folder or place not in ends):
            return place / HOME
        if place in ends:
            return None
    return None


def make_home(home: Path) -> None:
    """Creates the folder. Raises NotPermitted."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotPermitted(
            f"the {HOME} folder cannot be created: {error.strerror}",
            where=str(home),
            remedy="Change the folder's permissions, or give --home a folder of yours.",
        ) from error
    if not os.access(home, os.W_OK):
        raise NotPermitted("no permission to write", where=str(home), remedy="Change its mode, or give --home.")


def _planned(options: argparse.Namespace, config: Config, home: Path, say: Callable[[str], None]) -> Plan:
    return make_plan(config, options.config.resolve().parent, home=home, limit=options.limit, say=say)
