"""Digests of files that are not ours, remembered by path, size and time, so that a big file is hashed once.

The memory is a file of JSON lines that only grows: each process reads it once and appends what it hashes, so that ten
thousand files cost ten thousand lines. Of two lines about a file the later holds.
"""

import json
import os
from pathlib import Path

from tuneloom.artifacts.manifest import file_digest
from tuneloom.errors import MissingFile, NotPermitted
from tuneloom.records import digest

Known = dict[str, list]
"""Digest of an absolute path -> [size, mtime_ns, digest]."""

_memories: dict[Path, Known] = {}
_SPARE_LINES = 1_000


def cached_digest(path: Path, memory: Path) -> str:
    """The file's blake2b-128 in hex; `memory` is the file that remembers it (lost or damaged: hashed again)."""
    try:
        status = path.stat()
        known = _read(memory)
        name = digest(str(path.resolve()))  # a path may hold what the environment put there
        stamp = [status.st_size, status.st_mtime_ns]
        if name in known and known[name][:2] == stamp:
            return known[name][2]
        found = file_digest(path)
    except FileNotFoundError as error:
        raise MissingFile(f"no file {path.name}", where=str(path), remedy="Check the path.") from error
    except PermissionError as error:
        raise NotPermitted(f"no permission to read {path.name}", where=str(path), remedy="Change its mode.") from error
    known[name] = [*stamp, found]
    _append(memory, _line(name, known[name]))
    return found


def _read(memory: Path) -> Known:
    """What the memory holds; rewritten where most of its lines are out of date."""
    if memory in _memories:
        return _memories[memory]
    known, lines = Known(), 0
    try:
        for line in memory.read_bytes().splitlines():
            lines += 1
            try:
                name, *entry = json.loads(line)
                size, mtime, hashed = entry
                known[name] = [size, mtime, hashed]
            except (ValueError, TypeError):
                continue  # a line that a full disk or two writers cut: its file is hashed again
    except OSError:
        pass  # none yet
    if lines > 2 * len(known) + _SPARE_LINES:
        part = memory.with_name(f".{memory.name}.{os.getpid()}")
        if _append(part, "".join(_line(name, entry) for name, entry in known.items())):
            os.replace(part, memory)
    return _memories.setdefault(memory, known)


def _append(memory: Path, text: str) -> bool:
    """Whether it could be written: what cannot be remembered (a closed folder, a full disk) is hashed again."""
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with memory.open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError:
        return False
    return True


def _line(name: str, entry: list) -> str:
    return json.dumps([name, *entry]) + "\n"
