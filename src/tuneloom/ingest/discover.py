"""Which files a source means: one file, a folder, or a glob, with `${VARIABLE}`s from the environment.

Every file is named relative to the source's root (the folder, or what precedes the first wildcard), so that origins
and artifact keys are the same on every machine.
"""

import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path

from tuneloom.config import Source
from tuneloom.errors import ConfigError, MissingFile, NotPermitted

_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, order=True)
class SourceFile:
    """A file of a source; `relative` (to the source's root, with `/`) stands in origins and keys, `path` never."""

    source: str
    relative: str
    path: Path


def discover(source: Source, root: Path) -> list[SourceFile]:
    """The files of a source in the order of their names; `root` is the folder that relative paths start from.

    `${DATA}/t0/*.jsonl` with DATA=/data -> /data/t0/a.jsonl as `a.jsonl`, /data/t0/b.jsonl as `b.jsonl`.
    Raises ConfigError for an unset variable, MissingFile where nothing matches, NotPermitted for a closed path.
    """
    where = f"sources: {source.name}: path"
    text = os.path.expanduser(_expand(source.path, where))
    path = root / text
    _check_open(path, where)
    if path.is_file():
        base, found = path.parent, [path]
    elif path.is_dir():
        base, found = path, list(path.rglob("*"))
    else:
        base = _fixed_part(path)
        _check_open(base, where)
        found = [Path(match) for match in glob.glob(str(path), recursive=True)]
    files = [file for file in found if file.is_file() and not _hidden(file.relative_to(base))]
    if not files:
        raise MissingFile(
            f"source {source.name!r} has no file: {source.path!r} matches nothing",
            where=f"{where}: {path}",
            remedy="Correct `path` (it is relative to the config file), or put the data there.",
        )
    return sorted(SourceFile(source.name, _name(file.relative_to(base)), file) for file in files)


def _expand(path: str, where: str) -> str:
    """`${DATA}/t0` -> `/data/t0`. Raises ConfigError naming the variable that is not set."""
    for name in _VARIABLE.findall(path):
        if not os.environ.get(name):
            raise ConfigError(
                f"the path {path!r} needs the environment variable {name}, which is not set",
                where=where,
                remedy=f"Set it (export {name}=...), or write the folder into the path.",
            )
    return _VARIABLE.sub(lambda match: os.environ[match[1]], path)


def _check_open(path: Path, where: str) -> None:
    try:
        path.stat()
        readable = os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0))
    except FileNotFoundError:
        return
    except PermissionError:
        readable = False
    if not readable:
        raise NotPermitted(
            "no permission to read a source", where=f"{where}: {path}", remedy="Change its permissions, or the path."
        )


def _fixed_part(pattern: Path) -> Path:
    """`/data/t0/*.jsonl` -> `/data/t0`: the folders before the first wildcard."""
    parts = pattern.parts
    wild = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return Path(*parts[:wild])


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


def _name(relative: Path) -> str:
    """With `/`, and printable whatever bytes the name is made of."""
    return os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace")
