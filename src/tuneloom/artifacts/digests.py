"""Digests of files that are not ours, remembered by path, size and time, so that a big file is hashed once."""

import json
import os
from pathlib import Path

from tuneloom.artifacts.manifest import file_digest
from tuneloom.errors import MissingFile, NotPermitted


def cached_digest(path: Path, memory: Path) -> str:
    """The file's blake2b-128 in hex; `memory` is the JSON file that remembers it (lost or damaged: hashed again)."""
    try:
        status = path.stat()
        known = _read(memory)
        name = str(path.resolve())
        stamp = [status.st_size, status.st_mtime_ns]
        if name in known and known[name][:2] == stamp:
            return known[name][2]
        found = file_digest(path)
    except FileNotFoundError as error:
        raise MissingFile(f"no file {path.name}", where=str(path), remedy="Check the path.") from error
    except PermissionError as error:
        raise NotPermitted(f"no permission to read {path.name}", where=str(path), remedy="Change its mode.") from error
    _remember(memory, name, [*stamp, found])
    return found


def _read(memory: Path) -> dict[str, list]:
    try:
        return json.loads(memory.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _remember(memory: Path, name: str, entry: list) -> None:
    """Written whole and renamed; of two writers the later wins, and the other's entries are hashed again."""
    if not os.access(_existing(memory.parent), os.W_OK):
        return
    memory.parent.mkdir(parents=True, exist_ok=True)
    part = memory.with_name(f".{memory.name}.{os.getpid()}")
    part.write_text(json.dumps({**_read(memory), name: entry}), "utf-8")
    os.replace(part, memory)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
