"""The manifest: the last file an artifact gets, and the proof of what it holds.

It lists every file with rows, bytes and digest, the counts that conservation is checked on, and the whole `Spec` the
key is made of, so that the chain of manifests is a ledger that can be followed from a model to a source line.
"""

import functools
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from tuneloom.artifacts.keys import SCHEMA_VERSION, Reference, Spec
from tuneloom.errors import BrokenArtifact, OtherVersion, TakenDown

DEFECT = "This is a defect of the stage; please report it with the config."
_Kind = TypeVar("_Kind", "Counts", "StoredFile", "Manifest")
REMAKE = "Run again; it is made again."
_OTHER_VERSION = "Use the Tuneloom that wrote it, or another store."
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
        """Raises BrokenArtifact unless rows in + made = out + rejected + held, none of them negative or unknown."""
        counts = asdict(self)
        known = {name: count for name, count in counts.items() if count is not None}
        if not known:
            return
        if wrong := [f"{name} is {count}" for name, count in counts.items() if count is None or count < 0]:
            raise BrokenArtifact(f"stage {stage} counted wrongly: {', '.join(wrong)}", where=stage, remedy=DEFECT)
        into = known["rows_in"] + known["made"]
        out = known["rows_out"] + known["rejected"] + known["held"]
        if into != out:
            raise BrokenArtifact(
                f"stage {stage} lost or invented rows: {self.rows_in} in + {self.made} made = {into}, but "
                f"{self.rows_out} out + {self.rejected} rejected + {self.held} held = {out}",
                where=stage,
                remedy=DEFECT,
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
class Takedown:
    """Why an artifact's files are gone: the rows that had to go, by id, and the reason in words."""

    ids: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Manifest:
    """What an artifact is made of and holds; `members` are artifacts that it is the union of (ingest: one a file).

    With a `takedown` it is a tombstone: the counts stand, the files are gone. `upload` is the folder below the
    artifact's that a store elsewhere keeps the files in.
    """

    spec: Mapping[str, Any]
    key: str
    counts: Counts
    reasons: Mapping[str, int]
    files: tuple[StoredFile, ...]
    members: tuple[str, ...]
    versions: Mapping[str, str]
    seconds: float
    upload: str = ""
    takedown: Takedown | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def reference(self) -> Reference:
        """Its own name."""
        return Reference(self.spec["stage"], self.key)

    @property
    def parents(self) -> tuple[Reference, ...]:
        """The artifacts it was made from, the consulted ones last."""
        return tuple(reference_from(text) for text in (*self.spec["parents"], *self.spec["consulted"]))

    @property
    def state(self) -> str:
        """`whole` or `taken down`."""
        return "taken down" if self.takedown else "whole"

    def check_state(self) -> None:
        """Raises TakenDown for a tombstone."""
        if self.takedown:
            raise TakenDown(
                f"{self.reference} was taken down ({self.takedown.why})",
                where=str(self.reference),
                remedy="Name the takedown list in the config, so that what depends on it is made without those rows.",
            )

    def to_json(self) -> str:
        """Readable JSON, keys in the order of the fields."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def manifest_from_json(text: str | bytes, where: str) -> Manifest:
    """Reads a manifest. Raises BrokenArtifact on damage, OtherVersion on another schema or fields unknown here."""
    try:
        tree = json.loads(text)
        if tree["schema_version"] != SCHEMA_VERSION:
            raise OtherVersion(
                f"the artifact has schema version {tree['schema_version']}, this Tuneloom writes {SCHEMA_VERSION}",
                where=where,
                remedy=_OTHER_VERSION,
            )
        tree["counts"] = _filled(Counts, tree["counts"], where)
        tree["files"] = tuple(_filled(StoredFile, file, where) for file in tree["files"])
        tree["members"] = tuple(tree["members"])
        if tree["takedown"]:
            tree["takedown"] = Takedown(tuple(tree["takedown"]["ids"]), tree["takedown"]["why"])
        manifest = _filled(Manifest, tree, where)
    except (ValueError, TypeError, KeyError) as error:
        raise BrokenArtifact(f"unreadable manifest: {error}", where=where, remedy=REMAKE) from error
    for file in manifest.files:
        check_inside(file.path, where)
    check_inside(manifest.upload or "none", where)
    return manifest


def _filled(kind: type[_Kind], tree: dict[str, Any], where: str) -> _Kind:
    """An instance of a data class; a whole tree with more fields than we know comes from another version."""
    known = {field.name for field in fields(kind)}
    if known < set(tree):
        more = ", ".join(sorted(set(tree) - known))
        raise OtherVersion(f"the manifest has fields unknown here: {more}", where=where, remedy=_OTHER_VERSION)
    return kind(**tree)


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


def quick_check(manifest: Manifest, folder: Path) -> None:
    """Sizes, and digests where the time of change is another. Raises BrokenArtifact."""
    for file in manifest.files:
        path = folder / file.path
        try:
            status = path.stat()
        except FileNotFoundError:
            raise BrokenArtifact(f"{file.path} is missing", where=str(folder), remedy=REMAKE) from None
        if status.st_size != file.bytes:
            raise BrokenArtifact(f"{file.path} has another size", where=str(folder), remedy=REMAKE)
        if status.st_mtime_ns != file.mtime_ns and file_digest(path) != file.digest:
            raise BrokenArtifact(f"{file.path} was altered", where=str(folder), remedy=REMAKE)


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
