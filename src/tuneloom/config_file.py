"""A YAML file to a checked config. An unknown key is an error that names its path and the key probably meant."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tuneloom.config import Config, Section
from tuneloom.errors import ConfigError, MissingFile


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML config and applies `a.b=c` overrides.

    Raises ConfigError naming file, path of the key, value and remedy; MissingFile where there is no such file.
    """
    if not path.is_file():
        raise MissingFile(f"no config file {path.name}", where=str(path), remedy="Give the path of a YAML config.")
    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, ValueError) as error:  # ValueError: no UTF-8, or a date that there is not
        raise ConfigError(
            f"the config is not readable YAML: {' '.join(str(error).split())}", where=str(path), remedy="Mend the YAML."
        ) from error
    if not isinstance(tree, dict):
        raise ConfigError(
            f"the config holds {type(tree).__name__}, not keys and values", where=str(path), remedy="See README.md."
        )
    for override in overrides:
        _apply(tree, override)
    return parse_config(tree, str(path))


def parse_config(tree: Mapping[str, Any], where: str = "config") -> Config:
    """Validates a tree of plain values. All faults are named in one error."""
    try:
        config = Config.model_validate(tree)
    except ValidationError as error:
        faults = [_explain(fault) for fault in error.errors() if fault["type"] != "too_short" or not fault["input"]]
        raise ConfigError(
            "the config is wrong: " + "; ".join(what for what, _ in faults),
            where=where,
            remedy=" ".join(dict.fromkeys(cure for _, cure in faults)),
        ) from None
    _check_source_names(config, where)
    return config


def _check_source_names(config: Config, where: str) -> None:
    """Sources have names of their own, and weights and budgets name sources."""
    names = [source.name for source in config.sources]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ConfigError(
            f"two sources are named {sorted(twice)[0]!r}", where=f"{where}: sources", remedy="Give each its own name."
        )
    mixture = config.mixture
    for key, name in [*(("weights", one) for one in mixture.weights), *(("tokens", one) for one in mixture.tokens)]:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            cure = f"Did you mean `{close[0]}`?" if close else f"Sources: {', '.join(names)}."
            raise ConfigError(f"`mixture.{key}` names no source {name!r}", where=where, remedy=cure)


def _apply(tree: dict[str, Any], override: str) -> None:
    """`train.rank=4` sets tree["train"]["rank"] = 4; the value is read as YAML."""
    keys, sign, value = override.partition("=")
    if not sign or not keys:
        raise ConfigError(f"--set {override!r} has no key=value", where="--set", remedy="Write --set train.rank=4.")
    *above, last = keys.split(".")
    for key in above:
        below = tree.setdefault(key, {})
        if not isinstance(below, dict):
            raise ConfigError(f"--set {keys}: {key!r} holds no keys", where="--set", remedy="Set it as a whole.")
        tree = below
    try:
        tree[last] = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that there is not
        raise ConfigError(
            f"--set {keys}: {value!r} is not readable YAML: {' '.join(str(error).split())}",
            where="--set",
            remedy="Quote it for YAML and for the shell, such as --set 'name=\"a: b\"'.",
        ) from error


def _explain(fault: Any) -> tuple[str, str]:
    """One pydantic fault -> (what, remedy), with the value and, for an unknown key, the one probably meant."""
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _keys_beside(fault["loc"])
        close = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1, cutoff=0.5)
        cure = f"Did you mean `{close[0]}`?" if close else f"Known keys there: {', '.join(known)}."
        return f"unknown key `{place}`", cure
    if fault["type"] == "missing":
        return f"`{place}` is missing", f"Add `{place}`."
    return f"`{place}`: {fault['msg']}, not {fault['input']!r}", f"Change `{place}` (tuneloom config --schema)."


def _keys_beside(location: Sequence[str | int]) -> list[str]:
    """The known keys of the section that holds the key at `location`."""
    section: Any = Config
    for part in location[:-1]:
        if isinstance(part, int) or not isinstance(section, type) or not issubclass(section, Section):
            continue
        annotation = section.model_fields[part].annotation if part in section.model_fields else None
        section = next(iter(_sections_of(annotation)), section)
    return list(section.model_fields)


def _sections_of(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in getattr(annotation, "__args__", ()) for section in _sections_of(part)]
