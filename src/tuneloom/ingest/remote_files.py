"""Sources behind a URL that fsspec reads (s3://, gs://, https://, memory://): listed there, read from a local copy.

A file is copied once a version, by what its server tells of it (a tag, a time, the size), into the user's cache:

    ~/.cache/tuneloom/sources/<digest of the URL>/<digest of the version>/<name>
"""

import difflib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from tuneloom.artifacts import user_cache
from tuneloom.errors import ConfigError, MissingFile, NotPermitted
from tuneloom.records import canonical, digest

_TAGS = ("etag", "md5hash", "content-md5", "digest", "checksum", "generation", "versionid", "version_id", "sha256")
_TIMES = ("last-modified", "lastmodified", "last_modified", "mtime", "modified", "updated", "created")
_LONGEST_NAME = 100


@dataclass(frozen=True)
class RemoteFile:
    """A file there: its path as its filesystem writes it, its name below the source's root, and what is told of it."""

    path: str
    relative: str
    told: dict[str, Any]


class RemoteSource:
    """What a URL names: a file, a folder, or a glob. Each call raises ConfigError, MissingFile or NotPermitted."""

    def __init__(self, url: str, where: str) -> None:
        self._where = f"{where}: {url}"
        with _reaching(url, self._where):
            self._there, self._path = fsspec.core.url_to_fs(url)

    def local_path(self) -> str | None:
        """The path of a `file://` URL, which needs no copy."""
        return self._path if isinstance(self._there, LocalFileSystem) else None

    def files(self) -> list[RemoteFile]:
        """What matches, in the order of the names; empty where nothing does."""
        with _reaching(self._path, self._where):
            base, found = self._found()
        names = [path.removeprefix(base).lstrip("/") for path in sorted(found)]
        if self._path.startswith(("http://", "https://")):
            names = _without_queries(names)
        return [RemoteFile(path, name, found[path]) for path, name in zip(sorted(found), names, strict=True)]

    def read(self, file: RemoteFile) -> bytes:
        """A small file's content."""
        with _reaching(file.path, self._where):
            return self._there.cat_file(file.path)

    def copy(self, file: RemoteFile) -> Path:
        """The local copy of the file's present version, made where there is none: whole, or not there."""
        with _reaching(file.path, self._where):
            told = file.told if _version(file.told) else self._there.info(file.path)
            version = _version(told)
            folder = user_cache() / "sources" / digest(self._there.unstrip_protocol(file.path))
            here = folder / digest(canonical(version)) / Path(file.relative).name[-_LONGEST_NAME:]
            if version and here.is_file():
                return here
            here.parent.mkdir(parents=True, exist_ok=True)
            part = here.with_name(f".{uuid4().hex}.part")
            try:
                self._there.get_file(file.path, str(part))
                size = told.get("size")
                if size is not None and part.stat().st_size != size:
                    raise ConnectionError(f"it sent {part.stat().st_size} of {size} bytes")
                os.replace(part, here)
            finally:
                part.unlink(missing_ok=True)
            return here

    def _found(self) -> tuple[str, dict[str, dict[str, Any]]]:
        is_page = self._path.startswith(("http://", "https://")) and self._path.endswith("/")
        told = None if is_page else self._told(self._path)
        if told and told["type"] == "file":
            return self._there._parent(self._path), {self._path: told}
        if told or is_page:
            base, found = self._path.rstrip("/"), self._there.find(self._path, detail=True)
        else:
            parts = self._path.split("/")
            wild = next((i for i, part in enumerate(parts) if set(part) & set("*?[")), len(parts) - 1)
            base, found = "/".join(parts[:wild]), self._there.glob(self._path, detail=True)
        return base, {path: told for path, told in found.items() if told["type"] == "file" and not path.endswith("/")}

    def _told(self, path: str) -> dict[str, Any] | None:
        try:
            return self._there.info(path)
        except FileNotFoundError as error:
            if error.__cause__ is not None and not _is_missing(error.__cause__):
                raise
            return None


def _without_queries(names: list[str]) -> list[str]:
    """An address may ask for a file with a query, which is no part of its name where it tells no files apart:
    ["a.json?v=1", "b.csv?n=1", "b.csv?n=2"] -> ["a.json", "b.csv?n=1", "b.csv?n=2"]."""
    plain = [name.partition("?")[0] for name in names]
    return [short if plain.count(short) == 1 else name for name, short in zip(names, plain, strict=True)]


def _version(told: dict[str, Any]) -> list[list[str]]:
    """What tells this version of a file from another; empty where only its size is known, which tells too little."""
    known = {name.lower(): value for name, value in told.items() if value is not None}
    marks = [[name, str(known[name])] for name in (*_TAGS, *_TIMES) if name in known]
    return [*marks, ["size", str(known.get("size"))]] if marks else []


@contextmanager
def _reaching(path: str, where: str) -> Iterator[None]:
    """Says what went wrong with a server, a driver or a name; a local disk that is full goes up as it is."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"the driver for {where.split(': ')[-1].partition('://')[0]}:// is not installed",
            where=where,
            remedy=f"Install it with pip ({error}), or copy the files and give their folder.",
        ) from error
    except ValueError as error:
        raise _no_url(error, where) from error
    except _server_errors() as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        cause = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error
        if isinstance(cause, PermissionError) or getattr(cause, "status", None) in (401, 403):
            raise NotPermitted(
                f"no permission to read {path}", where=where, remedy="Give this user access, or its credentials."
            ) from error
        if _is_missing(cause):
            raise MissingFile(f"there is no {path}", where=where, remedy="Correct the address.") from error
        first = (str(cause).strip().splitlines() or [""])[0]
        raise ConfigError(
            f"{path} cannot be reached: {type(cause).__name__}: {first}",
            where=where,
            remedy="Check the network and the address, or copy the files and give their folder.",
        ) from error


def _no_url(error: Exception, where: str) -> ConfigError:
    protocol = where.split(": ")[-1].partition("://")[0]
    close = difflib.get_close_matches(protocol, fsspec.available_protocols(), n=1, cutoff=0.75)
    cure = f"Did you mean {close[0]}://?" if close else "Write s3://, gs://, https:// or a local path."
    return ConfigError(f"{error}", where=where, remedy=cure)


def _server_errors() -> tuple[type[Exception], ...]:
    """OSError, and those of the drivers that are loaded: their own families, which derive from Exception alone."""
    names = (
        ("aiohttp", "ClientError"),
        ("botocore.exceptions", "BotoCoreError"),
        ("botocore.exceptions", "ClientError"),
    )
    loaded = [getattr(sys.modules[module], name, None) for module, name in names if module in sys.modules]
    return (OSError, *(family for family in loaded if family))


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, FileNotFoundError) or getattr(error, "status", None) in (404, 410)
