"""The manifest: the last file an artifact gets, and the proof of what it holds.

It lists every file with rows, bytes and digest, the counts that conservation is checked on, and the whole `Spec` the
key is made of, so that the chain of manifests is a ledger that can be followed from a model to a source line.
"""

import functools
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

from tuneloom.artifacts.keys import SCHEMA_VERSION, Reference, Spec
from tuneloom.errors import BrokenArtifact

_VERSIONED = ("tuneloom", "pyarrow", "polars", "numpy", "numba", "torch", "transformers", "peft", "tokenizers")


@dataclass(frozen=True)
class Counts:
    """Rows of a stage; all None where a stage makes no rows (train to report)."""

    rows_in: int | None = None
    made: int | None = None
    rows_out: int | None = None
    rejected: int | None = None
    held: int | None = None

    def check(self, stage: str) -> None:
        """Raises BrokenArtifact unless rows in + made = out + rejected + held."""
        if self.rows_in is None:
            return
        into = self.rows_in + (self.made or 0)
        out = (self.rows_out or 0) + (self.rejected or 0) + (self.held or 0)
        if into != out:
            raise BrokenArtifact(
                f"stage {stage} lost or invented rows: {self.rows_in} in + {self.made or 0} made = {into}, but "
                f"{self.rows_out or 0} out + {self.rejected or 0} rejected + {self.held or 0} held = {out}",
                where=stage,
                remedy="This is a defect of the stage, nothing was stored; please report it with the config.",
            )

    def __add__(self, other: "Counts") -> "Counts":
        if self.rows_in is None or other.rows_in is None:
            return Counts()
        return Counts(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


@dataclass(frozen=True)
class StoredFile:
    """A file of an artifact: path relative to it, size and time for the quick check, digest for the sure one."""

    path: str
    bytes: int
    digest: str
    mtime_ns: int
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What an artifact is made of and holds; `members` are artifacts that it is the union of (ingest: one a file)."""

    spec: Mapping[str, Any]
    key: str
    counts: Counts
    reasons: Mapping[str, int]
    files: tuple[StoredFile, ...]
    members: tuple[str, ...]
    versions: Mapping[str, str]
    seconds: float
    schema_version: int = SCHEMA_VERSION

    @property
    def reference(self) -> Reference:
        """Its own name."""
        return Reference(self.spec["stage"], self.key)

    @property
    def parents(self) -> tuple[Reference, ...]:
        """The artifacts it was made from."""
        return tuple(reference_from(text) for text in self.spec["parents"])

    def to_json(self) -> str:
        """Readable JSON, keys in the order of the fields."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def manifest_from_json(text: str, where: str) -> Manifest:
    """Reads a manifest. Raises BrokenArtifact on damage or a newer schema."""
    try:
        tree = json.loads(text)
        tree["counts"] = Counts(**tree["counts"])
        tree["files"] = tuple(StoredFile(**file) for file in tree["files"])
        tree["members"] = tuple(tree["members"])
        manifest = Manifest(**tree)
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenArtifact(f"unreadable manifest: {error}", where=where, remedy="It is made again.") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise BrokenArtifact(
            f"the artifact has schema version {manifest.schema_version}, this Tuneloom writes {SCHEMA_VERSION}",
            where=where,
            remedy="Use the Tuneloom that wrote it, or another store.",
        )
    for file in manifest.files:
        check_inside(file.path, where)
    return manifest


def reference_from(text: str) -> Reference:
    """`dedup/5d41...` -> Reference."""
    stage, _, key = text.partition("/")
    return Reference(stage, key)


def make_manifest(
    spec: Spec,
    counts: Counts,
    reasons: Mapping[str, int],
    files: tuple[StoredFile, ...],
    members: tuple[Reference, ...],
    seconds: float,
) -> Manifest:
    """A manifest of what a stage just wrote, with the versions at hand."""
    return Manifest(
        spec=spec.as_dict(),
        key=spec.key,
        counts=counts,
        reasons=dict(sorted(reasons.items())),
        files=files,
        members=tuple(str(member) for member in members),
        versions={"python": platform.python_version(), **_versions()},
        seconds=round(seconds, 3),
    )


def describe_file(folder: Path, path: str, rows: int | None) -> StoredFile:
    """Size, time and digest of one file below `folder`."""
    status = (folder / path).stat()
    return StoredFile(path, status.st_size, file_digest(folder / path), status.st_mtime_ns, rows)


def file_digest(path: Path) -> str:
    """blake2b-128 of a file's bytes, in hex; read in blocks of 1 MiB."""
    state = blake2b(digest_size=16)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def check_inside(path: str, where: str) -> None:
    """Raises BrokenArtifact for a path that leaves the artifact's folder."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise BrokenArtifact(f"a manifest names the path {path!r}", where=where, remedy="Do not use this store.")


@functools.cache
def _versions() -> dict[str, str]:
    found = {}
    for package in _VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
