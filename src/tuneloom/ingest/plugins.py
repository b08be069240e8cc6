"""A user's own formats: files that the config's `plugins` names, each a module like those in `formats/`."""

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tuneloom.errors import ConfigError
from tuneloom.ingest.row import Rejected, Row
from tuneloom.plugin_files import broken_plugin, load_plugin, plugin_line, plugin_text

_FUNCTIONS = ("claims", "parse")


def load_plugins(paths: Sequence[Path], shipped: Collection[str]) -> dict[str, ModuleType]:
    """(Path("formats/mine.py"),) -> {"mine": the module}.

    Raises ConfigError, with file and line, for a name that is taken, a missing function, or an error in the file.
    """
    found: dict[str, ModuleType] = {}
    for path in paths:
        name = path.stem
        if name in shipped or name in found:
            whose = "comes with Tuneloom" if name in shipped else "is another plugin's"
            raise ConfigError(f"the format {name!r} {whose}", where=f"plugins: {path}", remedy="Rename the file.")
        module = _load(path, plugin_text(path))
        for function in _FUNCTIONS:
            if not callable(getattr(module, function, None)):
                raise ConfigError(
                    f"the plugin {path.name} has no function `{function}`",
                    where=f"plugins: {path}",
                    remedy="It needs `claims(row)` and `parse(row)`, as docs/bring-your-data.md shows.",
                )
        found[name] = module
    return found


@functools.lru_cache(maxsize=64)
def _load(path: Path, text: str) -> ModuleType:
    """The plugin's module, its functions guarded."""
    module = load_plugin(path, text)
    for name in _FUNCTIONS:
        if callable(function := getattr(module, name, None)):
            setattr(module, name, _guarded_parse(path, function) if name == "parse" else _guarded(path, function))
    return module


def _guarded(path: Path, claims: Callable[[Any], int]) -> Callable[[Any], int]:
    def guarded(row: Any) -> int:
        try:
            return claims(row)
        except Exception as error:
            raise broken_plugin(path, "cannot tell whether a row is its own", error) from error

    return guarded


def _guarded_parse(path: Path, parse: Callable[[Row], Any]) -> Callable[[Row], Iterator[Any]]:
    """A row on which the plugin fails is rejected with the error and its line; the others are read."""

    def guarded(row: Row) -> Iterator[Any]:
        try:
            yield from parse(row)
        except Rejected:
            raise
        except Exception as error:
            evidence = f"{type(error).__name__}: {error} ({path.name}:{plugin_line(path, error)})"
            raise Rejected("plugin failed", evidence=evidence) from error

    return guarded
