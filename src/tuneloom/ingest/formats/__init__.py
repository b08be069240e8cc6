"""The data formats, found by the file they lie in; a new one is a new file here, or a plugin of the config. Each has:

claims(row) -> int      how many of the row's keys it knows; 0: not its own. The best match wins.
parse(row)  -> yields a Conversation for each instance, or a Rejected; raises Rejected for the whole row

It may have `TASK_FROM_FILE = True` (its files are named after their task), `INSTANCES = "key"` (the list that yields
an instance an entry, in order) and `gather(lines) -> lines`, which joins lines that are one row before they are parsed.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import Conversation


class Format(Protocol):
    """What a module in this folder offers."""

    def claims(self, row: Mapping[str, Any]) -> int:
        """How many of the row's keys it knows; 0: not its own."""

    def parse(self, row: Row) -> Iterator[Conversation | Rejected]:
        """The row's instances."""


def formats(plugins: tuple[Path, ...] = ()) -> dict[str, Format]:
    """Every format by its name: ours in the order of the names, then those of the config's `plugins`.

    Raises ConfigError for a plugin that cannot be used.
    """
    if not plugins:
        return _shipped()
    from tuneloom.ingest.plugins import load_plugins

    return _shipped() | {name: cast(Format, module) for name, module in load_plugins(plugins, set(_shipped())).items()}


@functools.cache
def _shipped() -> dict[str, Format]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return {name: cast(Format, importlib.import_module(f"{__name__}.{name}")) for name in names}


def known(row: Mapping[str, Any], *needed: str | tuple[str, ...], also: tuple[str, ...] = ()) -> int:
    """How many keys a row shares with a format; 0 unless each of `needed` (a tuple: any one of them) is there.

    known({"prompt": "", "completion": "", "id": 1}, "prompt", ("completion", "answer")) -> 2
    """
    found = 0
    for need in needed:
        hits = sum(name in row for name in ((need,) if isinstance(need, str) else need))
        if not hits:
            return 0
        found += hits
    return found + sum(name in row for name in also)
