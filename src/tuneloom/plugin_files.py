"""Python files of the user's, named in the config: read, digested for the keys, loaded; errors told with the line."""

import functools
import linecache
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal

from tuneloom.errors import ConfigError, MissingFile, NotPermitted
from tuneloom.records import digest

Kind = Literal["format", "metric", "suite"]
_DIRECTION = re.compile(r"^DIRECTION\b", re.MULTILINE)


def plugin_kind(path: Path) -> Kind:
    """A YAML file is a suite, a Python file that sets DIRECTION a metric, any other one a format. Raises as
    `plugin_text` does."""
    if path.suffix in (".yaml", ".yml"):
        return "suite"
    return "metric" if _DIRECTION.search(plugin_text(path)) else "format"


def plugins_of(kind: Kind, names: Sequence[str], folder: Path) -> list[str]:
    """Those of the config's `plugins`, relative to `folder`, that are of this kind."""
    return [name for name in names if plugin_kind(folder / name) == kind]


def plugin_digests(names: Sequence[str], folder: Path) -> dict[str, str]:
    """["formats/mine.py"], below `folder` -> {"formats/mine.py": digest of its text}. Raises as `plugin_text` does."""
    return {name: digest(plugin_text(folder / name)) for name in names}


def check_names(names: Sequence[str], key: str) -> None:
    """Raises ConfigError where two files have one name: ["a/clean.py", "b/clean.py"] would share a count and a flag."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(Path(name).stem, name)
        if other != name or names.count(name) > 1:
            what = f"{other} and {name} have one name" if other != name else f"{name} is named twice"
            raise ConfigError(
                f"{what}; rows and counts tell edits apart by it",
                where=f"config key `{key}`",
                remedy=f"Rename a file, or name {Path(name).name} once.",
            )


def plugin_text(path: Path) -> str:
    """The file's text. Raises MissingFile, NotPermitted, or ConfigError for what is no text."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise MissingFile(f"no plugin {path.name}", where=f"plugins: {path}", remedy="Check the path.") from error
    except PermissionError as error:
        raise NotPermitted(f"no permission to read {path.name}", where=str(path), remedy="Change its mode.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the plugin cannot be read: {error}", where=f"plugins: {path}", remedy="Mend it.") from error


@functools.lru_cache(maxsize=64)
def load_plugin(path: Path, text: str) -> ModuleType:
    """The module that the text is; a changed text is another module, whatever this process has loaded before.

    Raises ConfigError with the file's line where it cannot be loaded.
    """
    module = ModuleType(f"tuneloom_plugin_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # data classes look their module up
    linecache.checkcache(str(path))
    try:
        exec(compile(text, str(path), "exec"), vars(module))
    except Exception as error:  # a user's code: whatever it raises is told with its line
        raise broken_plugin(path, "cannot be loaded", error) from error
    return module


def broken_plugin(path: Path, what: str, error: Exception) -> ConfigError:
    """The error to raise for one that a plugin raised."""
    return ConfigError(
        f"the plugin {path.name} {what}: {type(error).__name__}: {error}",
        where=f"plugins: {path}:{plugin_line(path, error)}",
        remedy="Mend that line.",
    )


def plugin_line(path: Path, error: BaseException) -> int | None:
    """The last line of the file that the error came through."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else 1
