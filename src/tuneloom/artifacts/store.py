"""The artifact store: finds what is finished, makes what is not, once, and commits it whole or not at all.

    STORE/<stage>/<key>/     manifest.json (last), Parquet parts, held/, rejected/, stats.json, the stage's own files
    STORE/memo/<name>/       results of costly row-wise work, reusable on their own (memo.py)
    STORE/runs/<identity>    what a run froze (runs.py)
    STORE/.locks/, .work/    locks, and work under way (work.py)

A local store commits by rename, one elsewhere by a conditional manifest (remote.py). Looking changes nothing: `find`
says what is wrong with an artifact; `ensure` alone makes a damaged one again, under the key's lock. Two equal runs
compute a key once.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.conservation import check_handover
from tuneloom.artifacts.documents import Documents
from tuneloom.artifacts.keys import Reference, Spec
from tuneloom.artifacts.manifest import (
    REMAKE,
    Manifest,
    Takedown,
    file_digest,
    manifest_from_json,
    quick_check,
    reference_from,
)
from tuneloom.artifacts.memo import Memos
from tuneloom.artifacts.remote import MANIFEST, RemoteFolder
from tuneloom.artifacts.space import told_when_full
from tuneloom.artifacts.work import Say, Work, flush, key_name
from tuneloom.artifacts.writer import Writer
from tuneloom.errors import BrokenArtifact, OtherVersion, TakenDown

WAIT_SECONDS = 24 * 3600.0
"""How long a run waits for another that makes the same key, unless its caller says otherwise."""


class Store:
    """A store at a local folder or an fsspec URL (`s3://...`, `memory://...`), read through a local copy then."""

    def __init__(self, url: str | Path, say: Say = lambda message: None) -> None:
        self.url, self._say = str(url), say
        place = self.url.removeprefix("file://")
        self._remote = RemoteFolder(self.url) if "://" in place else None
        self.folder = self._remote.copy if self._remote else Path(place)
        self.documents = Documents(self.folder, self._remote)
        self._work = Work(self.folder, say)
        self._memos = Memos(self.folder, self._remote, self._work, say)
        self._checked: set[Path] = set()

    def find(self, reference: Reference) -> Artifact | None:
        """The artifact; None where there is none or it cannot be used, and then says why. Changes nothing."""
        try:
            return self._open(reference)
        except BrokenArtifact as error:
            self._say(f"artifact {reference} cannot be used: {error}")
            return None

    def ensure(self, spec: Spec, build: Callable[[Writer], None], wait: float = WAIT_SECONDS) -> Artifact:
        """The artifact of `spec`: found, or made by `build` under the key's lock and committed.

        Raises whatever `build` raises, BrokenArtifact where rows are not conserved (nothing is stored then), TakenDown
        and OtherVersion where the key's place is taken by a tombstone or by what is not ours to delete, LockTimeout
        where another process still makes it after `wait` seconds, and DiskFull where there is no room for it.
        """
        reference = spec.reference
        if found := self._open_unless_damaged(reference, lambda error: None):
            return found.as_reused()
        with told_when_full(self.folder, f"stage {spec.stage}"), self._locked(reference, wait):
            if found := self._open_unless_damaged(reference, lambda error: self._discard(reference, error)):
                return found.as_reused()
            self._work.clear(reference, resume=False)
            self._work.sweep()
            with self._work.folder(key_name(reference)) as work:
                writer = Writer(spec, work, self._work.resume(reference))
                build(writer)
                self._commit(writer.finish(), work)
            self._work.clear(reference, resume=True)
        made = self.find(reference)
        if made is None:
            raise BrokenArtifact(f"{reference} was damaged as it was written", where=self.url, remedy="Run again.")
        return made

    def memo(self, name: str, key: str, make: Callable[[], pa.Table]) -> pa.Table:
        """A table of costly row-wise work, made once: `name` carries a hand-set version (`signatures-v1`), `key` says
        of what: an ingest artifact's key, then the parameters, hashed. It goes when that artifact is taken down."""
        return self._memos.table(name, key, make)

    def known_memos(self, name: str, keys: Sequence[str]) -> dict[str, pa.Table]:
        """Those tables that `memo` made for some of `keys`, by key; nothing is made."""
        return self._memos.known(name, keys)

    def memo_rows(
        self, name: str, hashes: Sequence[str] | pa.Array, make_missing: Callable[[pa.Array], pa.Table]
    ) -> pa.Table:
        """One row for each of `hashes`, in their order; only what no earlier call made is made now.

        `make_missing` gets the positions (int64) of the first row of each unknown hash and returns as many rows. What a
        call made is kept even if the run dies after it, so give dear work a slice at a time.

        scores = store.memo_rows("ifd-v1-smollm2", rows["content_hash"], lambda positions: ifd(rows.take(positions)))
        """
        return self._memos.rows(name, hashes, make_missing)

    def lineage(self, artifact: Artifact) -> Iterator[Artifact]:
        """The artifact and all it was made from. Raises BrokenArtifact where the chain is missing or breached,
        TakenDown where a part of it was taken down."""
        todo, seen = [artifact], {artifact.reference: artifact}
        while todo:
            current = todo.pop(0)
            current.manifest.counts.check(current.reference.stage)
            yield current
            for parent in current.manifest.parents:
                if parent not in seen:
                    seen[parent] = self._parent(current, parent)
                    todo.append(seen[parent])
            check_handover(current.manifest, {a.reference: a.manifest for a in [*seen.values(), *current.members]})

    def verify(self, artifact: Artifact) -> list[str]:
        """Faults found by comparing every digest; empty where all is well.

        The time of a faulty file is set to now: the next run then compares its digest too, and makes it again.
        """
        faults = []
        for file in artifact.manifest.files:
            path = artifact.folder / file.path
            if not path.is_file():
                faults.append(f"{artifact.reference}/{file.path} is missing")
            elif file_digest(path) != file.digest:
                faults.append(f"{artifact.reference}/{file.path}: its digest is not the manifest's")
                with contextlib.suppress(PermissionError):
                    os.utime(path)
        return faults

    def all(self) -> Iterator[Artifact]:
        """Every usable artifact in the local folder, by stage and key; `faults` tells of the others."""
        for reference in self._local():
            with contextlib.suppress(BrokenArtifact):
                if found := self._open(reference):
                    yield found

    def faults(self, *, digests: bool = False) -> Iterator[str]:
        """What is wrong in the local folder, a line a damaged artifact, found by size and time or by every digest.
        Tombstones are no fault; what another version of Tuneloom wrote is said, not counted."""
        for reference in self._local():
            try:
                found = self._open(reference)
                yield from self.verify(found) if found and digests else []
            except TakenDown:
                continue
            except OtherVersion as error:
                self._say(f"artifact {reference} is left alone: {error}")
            except BrokenArtifact as error:
                yield f"{reference}: {error}"

    def manifests(self, wanted: Sequence[Reference] = ()) -> Iterator[Manifest]:
        """The readable manifests of those, or all by stage and key, tombstones too; no file is looked at (`forget`)."""
        for reference in wanted or (self._remote.references() if self._remote else self._local()):
            with contextlib.suppress(BrokenArtifact):
                if manifest := self._manifest(reference):
                    yield manifest

    def remove(self, reference: Reference, why: str) -> None:
        """Takes an artifact or a tombstone away, saying why, with its memos and whatever a killed try left."""
        with self._locked(reference, WAIT_SECONDS):
            self._say(f"artifact {reference} is removed: {why}")
            self._delete(reference)
            self._memos.drop(reference.key)
            self._work.clear(reference, resume=True)

    def take_down(self, reference: Reference, ids: Iterable[str], why: str) -> None:
        """Removes an artifact's files and memos because rows of those `ids` must go, and leaves a tombstone.

        `find` gives None for it, `lineage` and `ensure` raise TakenDown. A second call adds its ids. Raises
        BrokenArtifact where there is no readable manifest: then there is nothing to leave but `remove`.

        store.take_down(dedup.reference, ["5d41402abc4b2a76b9719d911017c592"], "asked by the author on 2026-11-02")
        """
        with self._locked(reference, WAIT_SECONDS):
            manifest = self._manifest(reference)
            if manifest is None:
                raise BrokenArtifact(f"{reference} is not in the store", where=self.url, remedy="Check the name.")
            before = manifest.takedown.ids if manifest.takedown else ()
            takedown = Takedown(tuple(sorted({*before, *ids})), why)
            tombstone = replace(manifest, files=(), upload="", takedown=takedown)
            if self._remote:
                self._remote.bury(tombstone)
            self._bury(tombstone)
            self._memos.drop(reference.key)
            self._work.clear(reference, resume=True)

    def sweep(self) -> None:
        """Removes what killed processes left under way (`Work.sweep`)."""
        self._work.sweep()

    def forget_hashes(self, hashes: Sequence[str]) -> None:
        """Removes what `memo_rows` keeps of rows with these content hashes."""
        self._memos.without(hashes)

    def _open(self, reference: Reference) -> Artifact | None:
        """The artifact, None where there is none. Raises BrokenArtifact, or one of its kinds, where it has a fault."""
        if self._remote:
            self._remote.bring(reference, self._work)
        folder = self._place(reference)
        try:
            manifest = manifest_from_json((folder / MANIFEST).read_bytes(), str(folder))
        except FileNotFoundError:
            return None
        manifest.check_state()
        quick_check(manifest, folder)
        members = []
        for member in map(reference_from, manifest.members):
            found = self._open(member)
            if found is None:
                raise BrokenArtifact(f"its member {member} is gone", where=str(folder), remedy=REMAKE)
            members.append(found)
        return Artifact(manifest, folder, tuple(members), check=self._check_digests)

    def _open_unless_damaged(self, reference: Reference, damaged: Callable[[BrokenArtifact], None]) -> Artifact | None:
        try:
            return self._open(reference)
        except (TakenDown, OtherVersion):
            raise
        except BrokenArtifact as error:
            damaged(error)
            return None

    def _manifest(self, reference: Reference) -> Manifest | None:
        """The manifest alone, from where the truth is. Raises BrokenArtifact where it is unreadable."""
        path = f"{reference}/{MANIFEST}"
        if self._remote:
            content = self._remote.read(path)
            return None if content is None else manifest_from_json(content, f"{self.url}/{path}")
        try:
            return manifest_from_json((self.folder / path).read_bytes(), str(self.folder / path))
        except FileNotFoundError:
            return None

    def _parent(self, child: Artifact, parent: Reference) -> Artifact:
        """A link of the lineage. Raises BrokenArtifact where it cannot be followed, TakenDown where it's cut."""
        try:
            found = self._open(parent)
        except BrokenArtifact as error:
            what = f"{child.reference} was made from {parent}, which cannot be used: {error.what}"
            raise type(error)(what, where=error.where, remedy=error.remedy) from error
        if found is None:
            raise _missing(child.reference, parent, self.url)
        return found

    def _commit(self, manifest: Manifest, work: Path) -> None:
        """Checks what its parents handed on; manifest last, everything flushed, then one rename (local) or a
        conditional manifest (elsewhere)."""
        self._check_parents(manifest)
        for file in manifest.files:
            flush(work / file.path)
        reference = manifest.reference
        if self._remote:
            published = self._remote.publish(manifest, work)
            if published is None:  # another machine was first: its artifact is the one
                return
            manifest = published
        (work / MANIFEST).write_text(manifest.to_json(), "utf-8")
        flush(work / MANIFEST)
        with self._copy_locked(reference):
            self._work.install(work, self._place(reference))
        try:
            self._check_parents(manifest)
        except TakenDown:  # a parent went between the check and the rename, and who took it down may not have seen us
            self._delete(reference)
            raise

    def _check_parents(self, manifest: Manifest) -> None:
        manifests = {}
        for parent in {*manifest.parents, *map(reference_from, manifest.members)}:
            found = self._manifest(parent)
            if found is None:
                raise _missing(manifest.reference, parent, self.url)
            found.check_state()
            manifests[parent] = found
        check_handover(manifest, manifests)

    def _check_digests(self, artifact: Artifact) -> None:
        """On the first read in this process."""
        if artifact.folder in self._checked:
            return
        if faults := self.verify(artifact):
            what, remedy = f"a stored artifact is damaged: {faults[0]}", "Run again: it is remade."
            raise BrokenArtifact(what, where=str(artifact.folder), remedy=remedy)
        self._checked.add(artifact.folder)

    def _discard(self, reference: Reference, why: BrokenArtifact) -> None:
        self._say(f"artifact {reference} cannot be used ({why.what}); it is made again")
        self._delete(reference)

    def _delete(self, reference: Reference) -> None:
        """Under the key's lock: out of its place first, in one step."""
        if self._remote:
            self._remote.delete(reference)
        place = self._place(reference)
        self._checked.discard(place)
        with self._copy_locked(reference), self._work.folder(key_name(reference)) as away:
            if place.exists():
                os.rename(place, away / reference.key)

    def _bury(self, tombstone: Manifest) -> None:
        """The tombstone first, then the files go: who dies between has buried it."""
        with self._copy_locked(tombstone.reference):
            place = self._place(tombstone.reference)
            place.mkdir(parents=True, exist_ok=True)
            part = place / f".{MANIFEST}.{uuid4().hex}"
            part.write_text(tombstone.to_json(), "utf-8")
            flush(part)
            os.replace(part, place / MANIFEST)
            for left in place.iterdir():
                if left.name != MANIFEST:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _locked(self, reference: Reference, wait: float) -> AbstractContextManager[None]:
        return self._work.locked(key_name(reference), f"stage {reference.stage}", wait)

    def _copy_locked(self, reference: Reference) -> AbstractContextManager[None]:
        """A copy of what lies elsewhere is also replaced by who only looks."""
        if not self._remote:
            return contextlib.nullcontext()
        return self._work.locked(f"copy-{key_name(reference)}", f"the copy of {reference}", WAIT_SECONDS)

    def _place(self, reference: Reference) -> Path:
        return self.folder / reference.stage / reference.key

    def _local(self) -> list[Reference]:
        found = [Reference(path.parts[-3], path.parts[-2]) for path in self.folder.glob(f"*/*/{MANIFEST}")]
        return sorted(reference for reference in found if not reference.stage.startswith("."))


def _missing(child: Reference, parent: Reference, where: str) -> BrokenArtifact:
    return BrokenArtifact(
        f"{child} was made from {parent}, which is not in the store",
        where=where,
        remedy="Run the pipeline again; it makes what is missing.",
    )
