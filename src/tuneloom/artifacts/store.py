"""The artifact store: finds what is finished, makes what is not, once, and commits it whole or not at all.

    STORE/<stage>/<key>/     manifest.json (last), Parquet parts, rejected/, stats.json, the stage's own files
    STORE/memo/<name>/<key>  results of costly row-wise work, reusable on their own
    STORE/runs/<identity>    what a run froze (runs.py)
    STORE/.locks/, .work/    locks, and work under way

A local store commits by rename; any other fsspec URL by uploading the files and then the manifest on condition that
there is none. A damaged artifact is set aside and made again. Two equal runs compute a key once.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tuneloom.artifacts.artifact import Artifact
from tuneloom.artifacts.keys import Reference, Spec
from tuneloom.artifacts.locks import lock
from tuneloom.artifacts.manifest import Manifest, file_digest, manifest_from_json, reference_from
from tuneloom.artifacts.remote import RemoteFolder
from tuneloom.artifacts.writer import Writer
from tuneloom.errors import BrokenArtifact, NotPermitted

Say = Callable[[str], None]


class Store:
    """A store at a local folder or an fsspec URL (`s3://...`, `memory://...`), read through a local copy then."""

    def __init__(self, url: str | Path, say: Say = lambda message: None) -> None:
        self.url, self._say = str(url), say
        self._remote = RemoteFolder(self.url) if "://" in self.url else None
        self.folder = self._remote.copy if self._remote else Path(url)
        self._checked: set[Path] = set()

    def find(self, reference: Reference) -> Artifact | None:
        """The artifact, or None where there is none; one whose files are missing or altered is set aside first."""
        folder = self._place(reference)
        if self._remote and not (folder / "manifest.json").is_file():
            self._remote.fetch(str(reference))
        if not (folder / "manifest.json").is_file():
            return None
        try:
            manifest = manifest_from_json((folder / "manifest.json").read_text("utf-8"), str(folder))
            _quick_check(manifest, folder)
        except (BrokenArtifact, UnicodeDecodeError) as error:
            self.discard(reference, str(error))
            return None
        members = [self.find(reference_from(member)) for member in manifest.members]
        if None in members:
            self.discard(reference, "an artifact that it is the union of is gone")
            return None
        return Artifact(manifest, folder, tuple(m for m in members if m), check=self._check_digests)

    def ensure(self, spec: Spec, build: Callable[[Writer], None]) -> Artifact:
        """The artifact of `spec`: found, or made by `build` under the key's lock and committed.

        Raises whatever `build` raises, and BrokenArtifact where rows are not conserved; nothing is stored then.
        """
        if found := self.find(spec.reference):
            return found.as_reused()
        self._writable()
        with lock(self.folder / ".locks" / f"{spec.stage}-{spec.key}.lock", f"stage {spec.stage}", say=self._say):
            if found := self.find(spec.reference):
                return found.as_reused()
            self._clear_work(f"{spec.stage}-{spec.key}-")
            work = self._work_folder(f"{spec.stage}-{spec.key}-")
            try:
                writer = Writer(spec, work)
                build(writer)
                self._commit(writer.finish(), work)
            finally:
                shutil.rmtree(work, ignore_errors=True)
        made = self.find(spec.reference)
        if made is None:
            raise BrokenArtifact(f"{spec.reference} was damaged as it was written", where=self.url, remedy="Run again.")
        return made

    def memo(self, name: str, key: str, make: Callable[[], pa.Table]) -> pa.Table:
        """A table of costly row-wise work, made once: `name` carries a hand-set version (`signatures-v1`), `key` says
        of what (an ingest artifact's key with the parameters, hashed)."""
        path = self.folder / "memo" / name / f"{key}.parquet"
        if self._remote and not path.is_file():
            self._remote.fetch(f"memo/{name}/{key}.parquet")
        if path.is_file():
            try:
                return pq.read_table(path)
            except pa.ArrowInvalid:
                self._say(f"memo {name}/{key} is damaged; made again")
        table = make()
        self._writable()
        work = self._work_folder("memo-")
        pq.write_table(table, work / "memo.parquet", compression="zstd")
        _flush(work / "memo.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(work / "memo.parquet", path)
        shutil.rmtree(work)
        if self._remote:
            self._remote.send(f"memo/{name}/{key}.parquet")
        return table

    def lineage(self, artifact: Artifact) -> Iterator[Artifact]:
        """The artifact and all it was made from. Raises BrokenArtifact where the chain is missing or breached."""
        todo, seen = [artifact], set()
        while todo:
            current = todo.pop(0)
            if current.reference in seen:
                continue
            seen.add(current.reference)
            current.manifest.counts.check(current.reference.stage)
            yield current
            for parent in current.manifest.parents:
                found = self.find(parent)
                if found is None:
                    raise BrokenArtifact(
                        f"{current.reference} was made from {parent}, which is not in the store",
                        where=self.url,
                        remedy="Run the pipeline again; it makes what is missing.",
                    )
                todo.append(found)

    def verify(self, artifact: Artifact) -> list[str]:
        """Faults found by comparing every digest; empty where all is well."""
        return [
            f"{artifact.reference}/{file.path}: its digest is not the manifest's"
            for file in artifact.manifest.files
            if file_digest(artifact.folder / file.path) != file.digest
        ]

    def all(self) -> Iterator[Artifact]:
        """Every artifact in the local folder, by stage and key."""
        for path in sorted(self.folder.glob("*/*/manifest.json")):
            if found := self.find(Reference(path.parts[-3], path.parts[-2])):
                yield found

    def _place(self, reference: Reference) -> Path:
        return self.folder / reference.stage / reference.key

    def _commit(self, manifest: Manifest, work: Path) -> None:
        """Manifest last, everything flushed, then one rename (local) or a conditional manifest (elsewhere)."""
        for file in manifest.files:
            _flush(work / file.path)
        (work / "manifest.json").write_text(manifest.to_json(), "utf-8")
        _flush(work / "manifest.json")
        place = self._place(manifest.reference)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        os.rename(work, place)
        _flush(place.parent)
        if self._remote and not self._remote.publish(str(manifest.reference), manifest):
            shutil.rmtree(place)  # another machine was first: its artifact is the one
            self._remote.fetch(str(manifest.reference))

    def _check_digests(self, artifact: Artifact) -> None:
        """On the first read in this process."""
        if artifact.folder in self._checked:
            return
        if faults := self.verify(artifact):
            self.discard(artifact.reference, faults[0])
            raise BrokenArtifact(
                f"a stored artifact is damaged: {faults[0]}",
                where=str(artifact.folder),
                remedy="Run again: it is remade.",
            )
        self._checked.add(artifact.folder)

    def discard(self, reference: Reference, why: str) -> None:
        """Takes an artifact away that cannot be used, saying why; the next run makes it again."""
        self._say(f"artifact {reference} cannot be used ({why}); it is made again")
        self._writable()
        place = self._place(reference)
        away = self._work_folder("damaged-")
        if place.exists():
            os.rename(place, away / reference.key)
        shutil.rmtree(away)
        if self._remote:
            self._remote.delete(str(reference))

    def _work_folder(self, prefix: str) -> Path:
        (self.folder / ".work").mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder / ".work"))

    def _clear_work(self, prefix: str) -> None:
        """What a killed process left of this very key; its lock is ours now."""
        for left in (self.folder / ".work").glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _writable(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                return
        except PermissionError as error:
            raise NotPermitted(
                "no permission to write to the artifact store",
                where=str(self.folder),
                remedy="Change the folder's permissions, or set `store` to a folder of yours.",
            ) from error


def _quick_check(manifest: Manifest, folder: Path) -> None:
    """Sizes, and digests where the time of change is another. Raises BrokenArtifact."""
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file() or path.stat().st_size != file.bytes:
            raise BrokenArtifact(f"{file.path} is missing or has another size", where=str(folder))
        if path.stat().st_mtime_ns != file.mtime_ns and file_digest(path) != file.digest:
            raise BrokenArtifact(f"{file.path} was altered", where=str(folder))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
