"""A user's own formats: files that the config's `plugins` names, each a module like those in `formats/`."""

import functools
import linecache
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tuneloom.errors import ConfigError, MissingFile, NotPermitted
from tuneloom.ingest.row import Rejected, Row
from tuneloom.records import digest

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
        module = _load(path, _text(path))
        for function in _FUNCTIONS:
            if not callable(getattr(module, function, None)):
                raise ConfigError(
                    f"the plugin {path.name} has no function `{function}`",
                    where=f"plugins: {path}",
                    remedy="It needs `claims(row)` and `parse(row)`, as docs/bring-your-data.md shows.",
                )
        found[name] = module
    return found


def plugin_digests(paths: Sequence[Path]) -> dict[str, str]:
    """Path("formats/mine.py") -> {"mine.py": digest of its text}. Raises ConfigError where there is no such file."""
    return {path.name: digest(_text(path)) for path in paths}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise MissingFile(f"no plugin {path.name}", where=f"plugins: {path}", remedy="Check the path.") from error
    except PermissionError as error:
        raise NotPermitted(f"no permission to read {path.name}", where=str(path), remedy="Change its mode.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the plugin cannot be read: {error}", where=f"plugins: {path}", remedy="Mend it.") from error


@functools.lru_cache(maxsize=64)
def _load(path: Path, text: str) -> ModuleType:
    """The module that the text is; a changed text is another module, whatever this process has loaded before."""
    module = ModuleType(f"tuneloom_plugin_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # data classes look their module up
    linecache.checkcache(str(path))
    try:
        exec(compile(text, str(path), "exec"), vars(module))
    except Exception as error:  # a user's code: whatever it raises is told with its line
        raise _broken(path, "cannot be loaded", error) from error
    for name in _FUNCTIONS:
        if callable(function := getattr(module, name, None)):
            setattr(module, name, _guarded_parse(path, function) if name == "parse" else _guarded(path, function))
    return module


def _guarded(path: Path, claims: Callable[[Any], int]) -> Callable[[Any], int]:
    def guarded(row: Any) -> int:
        try:
            return claims(row)
        except Exception as error:
            raise _broken(path, "cannot tell whether a row is its own", error) from error

    return guarded


def _guarded_parse(path: Path, parse: Callable[[Row], Any]) -> Callable[[Row], Iterator[Any]]:
    """A row on which the plugin fails is rejected with the error and its line; the others are read."""

    def guarded(row: Row) -> Iterator[Any]:
        try:
            yield from parse(row)
        except Rejected:
            raise
        except Exception as error:
            evidence = f"{type(error).__name__}: {error} ({path.name}:{_line(path, error)})"
            raise Rejected("plugin failed", evidence=evidence) from error

    return guarded


def _broken(path: Path, what: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"the plugin {path.name} {what}: {type(error).__name__}: {error}",
        where=f"plugins: {path}:{_line(path, error)}",
        remedy="Mend that line.",
    )


def _line(path: Path, error: Exception) -> int | None:
    """The last line of the file that the error came through."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else 1
