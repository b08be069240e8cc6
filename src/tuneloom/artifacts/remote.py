"""A store that is not a local folder: any fsspec URL, worked on through a local copy.

    URL/<stage>/<key>/manifest.json        written last, on condition that none is there: of two machines one wins
    URL/<stage>/<key>/<upload>/<file>      the files of the one upload that the manifest names

What is there is the truth. The copy in the user's cache is compared with it once a process, fetched where it is
missing, damaged or another, and can be deleted at any time (training maps local files, so reading needs one).
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import fsspec

from tuneloom.artifacts.keys import Reference
from tuneloom.artifacts.manifest import Manifest, file_digest, manifest_from_json, quick_check
from tuneloom.artifacts.work import Work, key_name
from tuneloom.errors import BrokenArtifact
from tuneloom.records import digest

FETCH_SECONDS = 24 * 3600.0
MANIFEST = "manifest.json"


class RemoteFolder:
    """The remote side of a store, and `copy`, its local folder."""

    def __init__(self, url: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(url)
        self.copy = user_cache() / "stores" / digest(url)
        self._compared: dict[Reference, bytes] = {}

    def read(self, path: str) -> bytes | None:
        """A file's bytes, None where there is none."""
        try:
            return self._files.cat_file(f"{self._root}/{path}")
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Writes a file in one step."""
        self._files.pipe_file(f"{self._root}/{path}", content)

    def get(self, path: str, here: Path) -> bool:
        """Copies a file here in one step; False where there is none."""
        here.parent.mkdir(parents=True, exist_ok=True)
        part = here.with_name(f".{here.name}.{uuid4().hex}")
        try:
            self._files.get_file(f"{self._root}/{path}", str(part))
            os.replace(part, here)
        except FileNotFoundError:
            return False
        finally:
            part.unlink(missing_ok=True)
        return True

    def put(self, here: Path, path: str) -> None:
        """Copies a local file there."""
        self._files.put_file(str(here), f"{self._root}/{path}")

    def drop(self, path: str) -> None:
        """Removes a file or a folder with all in it; nothing where there is none."""
        self._files.invalidate_cache()
        if self._files.exists(f"{self._root}/{path}"):
            self._files.rm(f"{self._root}/{path}", recursive=True)

    def names(self, folder: str) -> list[str]:
        """Paths of the files below a folder, relative to the store, sorted."""
        self._files.invalidate_cache()
        start = len(self._root) + 1
        return sorted(path[start:] for path in self._files.find(f"{self._root}/{folder}"))

    def newest(self, folder: str) -> list[str]:
        """Paths of the files in a folder, the last written first."""
        return sorted(self.names(folder), key=lambda name: self._files.modified(f"{self._root}/{name}"), reverse=True)

    def written(self, path: str) -> float:
        """When a file was written, in seconds since 1970. Raises FileNotFoundError."""
        return self._files.modified(f"{self._root}/{path}").timestamp()

    def references(self) -> list[Reference]:
        """Every artifact there, by stage and key."""
        self._files.invalidate_cache()
        found = [path.split("/") for path in self._files.glob(f"{self._root}/*/*/{MANIFEST}")]
        return sorted(Reference(parts[-3], parts[-2]) for parts in found)

    def bring(self, reference: Reference, work: Work) -> None:
        """Makes the copy of an artifact what is there: fetched, replaced, or dropped where there is none.

        Raises BrokenArtifact where what is there is damaged, OtherVersion where it cannot be read here.
        """
        here = self.copy / reference.stage / reference.key
        there = self._compared.get(reference) or self.read(f"{reference}/{MANIFEST}")
        if there is None and not here.exists():
            return
        if there is None or not _equal(here, there):
            with work.locked(f"copy-{key_name(reference)}", f"the copy of {reference}", FETCH_SECONDS):
                there = self.read(f"{reference}/{MANIFEST}")
                if there is None:
                    shutil.rmtree(here, ignore_errors=True)
                    return
                if not _equal(here, there):
                    self._fetch(reference, there, here, work)
        self._compared[reference] = there

    def publish(self, manifest: Manifest, folder: Path) -> Manifest | None:
        """Uploads an artifact that lies in `folder`; its manifest as published, None where another was first."""
        reference, upload = manifest.reference, uuid4().hex
        if self.read(f"{reference}/{MANIFEST}") is not None:
            return None
        for file in manifest.files:
            self.put(folder / file.path, f"{reference}/{upload}/{file.path}")
        published = replace(manifest, upload=upload)
        content = published.to_json().encode()
        try:
            self._files.pipe_file(f"{self._root}/{reference}/{MANIFEST}", content, mode="create")
        except FileExistsError:
            if self.read(f"{reference}/{MANIFEST}") != content:  # else the first answer was lost on its way
                self.drop(f"{reference}/{upload}")
                return None
        self._drop_uploads(reference, but=upload)  # of those who were killed, or lose now
        return published

    def bury(self, manifest: Manifest) -> None:
        """Writes a tombstone over an artifact's manifest and removes its files."""
        self._compared.pop(manifest.reference, None)
        self.write(f"{manifest.reference}/{MANIFEST}", manifest.to_json().encode())
        self._drop_uploads(manifest.reference, but="")

    def delete(self, reference: Reference) -> None:
        """Removes an artifact there, manifest first."""
        self._compared.pop(reference, None)
        self.drop(f"{reference}/{MANIFEST}")
        self.drop(str(reference))

    def _drop_uploads(self, reference: Reference, but: str) -> None:
        uploads = {name.removeprefix(f"{reference}/").partition("/")[0] for name in self.names(str(reference))}
        for upload in uploads - {but, MANIFEST}:
            self.drop(f"{reference}/{upload}")

    def _fetch(self, reference: Reference, content: bytes, here: Path, work: Work) -> None:
        manifest = manifest_from_json(content, f"{self._root}/{reference}")
        with work.folder("fetch") as place:
            for file in manifest.files:
                whole = self.get(f"{reference}/{manifest.upload}/{file.path}", place / file.path)
                if not whole or file_digest(place / file.path) != file.digest:
                    raise BrokenArtifact(f"{file.path} is missing or altered", where=f"{self._root}/{reference}")
                os.utime(place / file.path, ns=(file.mtime_ns, file.mtime_ns))
            (place / MANIFEST).write_bytes(content)
            work.install(place, here)


def _equal(here: Path, content: bytes) -> bool:
    """Whether the copy has this manifest and its files are whole."""
    try:
        if (here / MANIFEST).read_bytes() != content:
            return False
        quick_check(manifest_from_json(content, str(here)), here)
    except (FileNotFoundError, BrokenArtifact):
        return False
    return True


def user_cache() -> Path:
    """`$TUNELOOM_CACHE`, else `~/.cache/tuneloom` (or below `$XDG_CACHE_HOME`)."""
    if named := os.environ.get("TUNELOOM_CACHE"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tuneloom"
