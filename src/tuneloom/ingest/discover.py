"""Which files a source means: a file, a folder or a glob, here or behind a URL, or a data set of the hub.

Every file is named relative to the source's root (the folder, or what precedes the first wildcard), so that origins
and artifact keys are the same on every machine. What cannot be read (a pipe, a broken link, a closed folder) is named
too where it lies among others: reading it tells what it is.
"""

import glob
import os
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tuneloom.config import Source
from tuneloom.errors import ConfigError, MissingFile, NotPermitted
from tuneloom.ingest.dataset_folders import data_files
from tuneloom.ingest.hub import is_on_hub, snapshot
from tuneloom.ingest.readers.filetypes import by_name
from tuneloom.ingest.readers.line import UnreadableFile
from tuneloom.ingest.readers.opening import check_regular, ending

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_FOLDER_ENDINGS = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".arrow", ".feather")
"""Spark and Dask write a folder of parts under such a name: a glob that finds it means its files."""


@dataclass(frozen=True, order=True)
class SourceFile:
    """A file of a source; `relative` (to the source's root, with `/`) stands in origins and keys, `path` never."""

    source: str
    relative: str
    path: Path


def discover(source: Source, root: Path) -> list[SourceFile]:
    """The files of a source in the order of their names; `root` is the folder that relative paths start from.

    `${DATA}/t0/*.jsonl` with DATA=/data -> /data/t0/a.jsonl as `a.jsonl`, /data/t0/b.jsonl as `b.jsonl`.
    Remote files are copied first. Raises ConfigError for an unset variable or what cannot be reached, MissingFile
    where nothing matches, NotPermitted for a closed path.
    """
    where = f"sources: {source.name}: path"
    text = _expand(source.path, where)
    if text.startswith("hub:"):
        folder = snapshot(text, where)
        return _some(source, where, [file for file in _local(source, folder, where) if not by_name(file.relative)])
    if "://" in text:
        return _remote(source, text, where)
    return _some(source, where, _local(source, root / os.path.expanduser(text), where))


def _some(source: Source, where: str, files: list[SourceFile]) -> list[SourceFile]:
    if files:
        return files
    remedy = "Correct `path` (it is relative to the config file), or put the data there."
    if _HUB_NAME.fullmatch(source.path) and not ending(Path(source.path)):
        remedy += f" If this is a data set on the Hugging Face hub, write hub:{source.path}."
    raise MissingFile(
        f"source {source.name!r} has no file: {source.path!r} matches nothing", where=where, remedy=remedy
    )


def _remote(source: Source, url: str, where: str) -> list[SourceFile]:
    from tuneloom.ingest.remote_files import RemoteSource

    there = RemoteSource(url, where)
    if here := there.local_path():
        return _some(source, where, _local(source, Path(here), where))
    found = {file.relative: file for file in there.files() if not _hidden(Path(file.relative))}
    names = data_files(found, lambda name: there.read(found[name]))
    _check_whole(names, found, where)
    if is_on_hub(url):
        names = [name for name in names if not by_name(name)]
    return _some(source, where, [SourceFile(source.name, name, there.copy(found[name])) for name in names])


def _local(source: Source, path: Path, where: str) -> list[SourceFile]:
    _check_open(path, where)
    if path.is_file():
        base, found = path.parent, [path]
    elif path.is_dir():
        base, found = path, list(_below(path))
    elif os.path.lexists(path):
        raise MissingFile(
            f"source {source.name!r} is {_what(path)}", where=f"{where}: {path}", remedy="Name a file or a folder."
        )
    else:
        base = _fixed_part(path)
        _check_open(base, where)
        found = list(_matches(path, base))
    named = {_name(file.relative_to(base)): file for file in found if not _hidden(file.relative_to(base))}
    if not path.is_file():
        names = data_files(named, lambda name: named[name].read_bytes())
        _check_whole(names, named, where)
        named = {name: named[name] for name in names}
    return sorted(SourceFile(source.name, name, file) for name, file in named.items())


def _check_whole(names: Iterable[str], found: Container[str], where: str) -> None:
    if missing := next((name for name in names if name not in found), None):
        raise MissingFile(
            f"the data set lists the shard {missing}, which is not there",
            where=where,
            remedy="Copy the whole folder that `save_to_disk` wrote.",
        )


def _below(folder: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Path]:
    """All that is no folder, through links too; a folder that is closed, or that leads back up, comes itself."""
    status = folder.stat()
    here = (status.st_dev, status.st_ino)
    try:
        entries = [] if here in above else sorted(os.listdir(folder))
    except PermissionError:
        entries, above = [], (here,)
    if here in above:
        yield folder
    for name in entries:
        if name.startswith("."):
            continue
        if os.path.isdir(folder / name):
            yield from _below(folder / name, (*above, here))
        else:
            yield folder / name


def _matches(pattern: Path, base: Path) -> Iterator[Path]:
    for match in map(Path, glob.glob(str(pattern), recursive=True)):
        if _is_circular(match, base):
            continue  # `**` follows a link back up again and again: the same files each time
        if not match.is_dir():
            yield match
        elif ending(match) in _FOLDER_ENDINGS:
            yield from _below(match)


def _is_circular(path: Path, base: Path) -> bool:
    folders = [os.path.realpath(base / part) for part in path.relative_to(base).parents]
    return len(set(folders)) < len(folders)


def _what(path: Path) -> str:
    try:
        check_regular(path)
    except UnreadableFile as what:
        return str(what)
    return "no file"


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
    except PermissionError:
        readable = False
    except OSError:
        return  # not there, or a link to nowhere: what is missing is told by its name
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
    """With `/`, and printable whatever bytes the name is made of; no two files have one name."""
    return os.fsencode(relative.as_posix().replace("\\", "\\\\")).decode("utf-8", "backslashreplace")
