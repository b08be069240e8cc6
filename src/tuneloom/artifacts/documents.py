"""Small texts that are written over, the last writer winning (run records): in the store's folder or in a store
elsewhere, where every worker sees them."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from tuneloom.artifacts.remote import RemoteFolder


class Documents:
    """The documents of a store, by their path below it."""

    def __init__(self, folder: Path, remote: RemoteFolder | None) -> None:
        self._folder, self._remote = folder, remote

    def read(self, path: str) -> str | None:
        """A document's text, damaged bytes replaced; None where there is none."""
        if self._remote:
            content = self._remote.read(path)
            return None if content is None else content.decode("utf-8", "replace")
        try:
            return (self._folder / path).read_text("utf-8", "replace")
        except FileNotFoundError:
            return None

    def write(self, path: str, text: str) -> None:
        """Writes a document in one step: temporary file, flush, rename; elsewhere one put."""
        if self._remote:
            self._remote.write(path, text.encode())
            return
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{place.name}.{uuid4().hex}")
        with part.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, place)

    def remove(self, path: str) -> None:
        """Removes a document; nothing where there is none."""
        if self._remote:
            self._remote.drop(path)
        else:
            (self._folder / path).unlink(missing_ok=True)

    def seconds_since_written(self, path: str) -> float:
        """Of any file of the store; negative where the clock was set back since, 0 where the file is gone."""
        try:
            if self._remote:
                return time.time() - self._remote.written(path)
            return time.time() - (self._folder / path).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def newest(self, folder: str) -> Iterator[str]:
        """The texts of the documents in a folder, the last written first."""
        if self._remote:
            paths = self._remote.newest(folder)
        else:
            found = [(path.stat().st_mtime_ns, path.name) for path in (self._folder / folder).glob("*.json")]
            paths = [f"{folder}/{name}" for _, name in sorted(found, reverse=True)]
        for path in paths:
            if (text := self.read(path)) is not None:
                yield text
