"""A store that is not a local folder: any fsspec URL, worked on through a local copy.

Artifacts are uploaded file by file and the manifest last, on condition that none is there; whoever reads one copies
it first (training then maps local files). The copy lies in the user's cache and can be deleted at any time.
"""

import os
from pathlib import Path

import fsspec

from tuneloom.artifacts.manifest import Manifest
from tuneloom.records import digest


class RemoteFolder:
    """The remote side of a store, and `copy`, its local folder."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)
        self.copy = user_cache() / "stores" / digest(url)

    def fetch(self, relative: str) -> None:
        """Copies a file or an artifact's folder here, manifest last; does nothing where there is none."""
        there = f"{self._root}/{relative}"
        if self._files.isfile(there):
            self._get(there, self.copy / relative)
        elif self._files.exists(f"{there}/manifest.json"):
            for name in self._files.find(there):
                inside = name[name.index(relative) + len(relative) + 1 :]
                if inside != "manifest.json":
                    self._get(name, self.copy / relative / inside)
            self._get(f"{there}/manifest.json", self.copy / relative / "manifest.json")

    def send(self, relative: str) -> None:
        """Copies one local file there."""
        self._files.pipe_file(f"{self._root}/{relative}", (self.copy / relative).read_bytes())

    def publish(self, relative: str, manifest: Manifest) -> bool:
        """Uploads an artifact; False where another machine has published this key already."""
        if self._files.exists(f"{self._root}/{relative}/manifest.json"):
            return False
        for file in manifest.files:
            self.send(f"{relative}/{file.path}")
        text = (self.copy / relative / "manifest.json").read_bytes()
        try:
            self._files.pipe_file(f"{self._root}/{relative}/manifest.json", text, mode="create")
        except FileExistsError:
            return False
        return True

    def delete(self, relative: str) -> None:
        """Removes an artifact there, manifest first."""
        there = f"{self._root}/{relative}"
        if self._files.exists(f"{there}/manifest.json"):
            self._files.rm_file(f"{there}/manifest.json")
        if self._files.exists(there):
            self._files.rm(there, recursive=True)

    def _get(self, there: str, here: Path) -> None:
        here.parent.mkdir(parents=True, exist_ok=True)
        part = here.with_name(f"{here.name}.part-{os.getpid()}")
        self._files.get_file(there, str(part))
        os.replace(part, here)


def user_cache() -> Path:
    """`$TUNELOOM_CACHE`, else `~/.cache/tuneloom` (or below `$XDG_CACHE_HOME`)."""
    if named := os.environ.get("TUNELOOM_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tuneloom"
