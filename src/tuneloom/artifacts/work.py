"""The store's place for what is not finished, `.work/`: a folder a try, one a key that outlives its process, leftovers.

    .work/<stage>-<key>-XXXXXXXX   one try at an artifact, or at taking one away; gone at the end
    .work/<stage>-<key>.resume     what the next try at the key starts from (checkpoints); gone after the commit
    .work/memo-XXXX, fetch-XXXX    a file or a copy on its way to its place

A killed process leaves its folders. They are swept before something is made: a key's tries when its lock is free, its
resume folder when nobody has written to it for a week, anything else after a day.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tuneloom.artifacts.keys import Reference
from tuneloom.artifacts.locks import lock
from tuneloom.errors import LockTimeout, NotPermitted

DAY = 86_400.0
RESUME_DAYS = 7

Say = Callable[[str], None]


class Work:
    """The work folders and locks of the store in `folder`."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._store, self._folder, self._say = folder, folder / ".work", say
        self._writable = False

    def locked(self, name: str, what: str, seconds: float) -> AbstractContextManager[None]:
        """The lock of that name, held for the block. Raises LockTimeout after `seconds`, NotPermitted where the store
        can't be written."""
        self._check_writable()
        return lock(self._lock_file(name), what, seconds, self._say)

    @contextlib.contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """A new folder `<name>-XXXXXXXX`, gone after the block unless it was renamed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def install(self, new: Path, place: Path) -> None:
        """Renames a finished work folder to its place, what stands there out of the way."""
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            with self.folder("replaced") as away:
                os.rename(place, away / place.name)
                os.rename(new, place)
        else:
            os.rename(new, place)
        flush(place.parent)

    def resume(self, reference: Reference) -> Path:
        """Where the next try at a key finds what the last one left; may not exist."""
        return self._folder / f"{key_name(reference)}.resume"

    def clear(self, reference: Reference, *, resume: bool) -> None:
        """Removes what killed tries left of a key whose lock the caller holds."""
        for left in self._folder.glob(f"{key_name(reference)}-*"):
            shutil.rmtree(left, ignore_errors=True)
        if resume:
            shutil.rmtree(self.resume(reference), ignore_errors=True)

    def sweep(self) -> None:
        """Removes what dead processes left of keys that nobody comes back to."""
        for left in sorted(self._folder.glob("*")) if self._folder.is_dir() else []:
            stem, resumable = left.name.removesuffix(".resume"), left.name.endswith(".resume")
            owner = stem if resumable else stem.rpartition("-")[0]
            if not self._lock_file(owner).is_file():
                if _idle(left) > DAY:
                    shutil.rmtree(left, ignore_errors=True)
            elif not resumable or _idle(left) > RESUME_DAYS * DAY:
                with contextlib.suppress(LockTimeout), lock(self._lock_file(owner), owner, seconds=0):
                    shutil.rmtree(left, ignore_errors=True)

    def _lock_file(self, name: str) -> Path:
        return self._store / ".locks" / f"{name}.lock"

    def _check_writable(self) -> None:
        """Once; a store that is closed later is told by what cannot be written then."""
        if self._writable:
            return
        try:
            self._store.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._store):
                self._writable = True
        except PermissionError as error:
            raise NotPermitted(
                "no permission to write to the artifact store",
                where=str(self._store),
                remedy="Change the folder's permissions, or set `store` to a folder of yours.",
            ) from error


def key_name(reference: Reference) -> str:
    """`dedup-5d41...`: names the lock and the work folders of a key."""
    return f"{reference.stage}-{reference.key}"


def _idle(folder: Path) -> float:
    """Seconds since anything in the folder was written; 0 for one that goes while it is looked at."""
    try:
        newest = max((path.stat().st_mtime for path in folder.rglob("*")), default=0.0)
        return time.time() - max(newest, folder.stat().st_mtime)
    except FileNotFoundError:
        return 0.0


def flush(path: Path) -> None:
    """Brings a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
