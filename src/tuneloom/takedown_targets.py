"""What `forget` is asked to take down, as entries of the list: ids as they are, and what stands at an origin.

A row that ingestion rejected has no id: it is named by its origin, as `show`, `trace` and the rejects print it, and its
entry is the digest of its words. So it stays away wherever it stands later, and whatever settings it is read with.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, Store
from tuneloom.artifacts.manifest import Manifest
from tuneloom.errors import ConfigError
from tuneloom.ingest.takedowns import words_digest
from tuneloom.runs import latest_run

_ID = re.compile(r"[0-9a-f]{32}")
_ORIGIN = re.compile(r"[\w.-]+:.+:\d+(#\d+)?")
_PLACE = re.compile(r"(\d+)(?:#(\d+))?")


def parse_wanted(wanted: str) -> list[str]:
    """An id or an origin, or those in a file of that name, one a line. Raises ConfigError for what is none."""
    path = Path(wanted)
    found = [line.strip() for line in path.read_text("utf-8").splitlines()] if path.is_file() else [wanted]
    found = [one for one in found if one]
    for one in found:
        if not _ID.fullmatch(one) and not _ORIGIN.fullmatch(one):
            raise ConfigError(
                f"{one[:80]!r} is no row id, no origin and no file",
                where=wanted,
                remedy="An id has 32 hexadecimal digits, an origin is SOURCE:FILE:ROW; `tuneloom trace CONFIG TEXT` "
                "tells both.",
            )
    if not found:
        raise ConfigError("no id in the file", where=wanted, remedy="Write one id or origin a line.")
    return list(dict.fromkeys(found))


def entries_for(store: Store, name: str, wanted: Sequence[str], listed: Mapping[str, str]) -> dict[str, str]:
    """Entry -> origin ("" for an id) of what is wanted; `name` is the pipeline's, `listed` what is taken down already.

    `faq:mails.jsonl:17` is all that was made of that row, `faq:mails.jsonl:17#2` its third part alone. Raises
    ConfigError for an origin at which nothing is kept, and where files of one name hold different rows there.
    """
    entries: dict[str, str] = {}
    files: list[Manifest] | None = None
    for one in wanted:
        if _ID.fullmatch(one):
            entries.setdefault(one, "")
            continue
        files = _files(store) if files is None else files
        found = _at_origin(store, name, files, one) or {entry for entry, origin in listed.items() if origin == one}
        if not found:
            raise ConfigError(
                f"nothing is kept of a row {one}; nothing was changed",
                where=store.url,
                remedy="`tuneloom trace CONFIG TEXT` and `tuneloom show ingest` print the origins of rows. A file that "
                "cannot be read leaves no words, and a row taken down none either.",
            )
        entries.update((entry, one) for entry in sorted(found))
    return entries


def _files(store: Store) -> list[Manifest]:
    """The manifests of ingested files that are there."""
    return [one for one in store.manifests() if "file" in one.spec["inputs"] and not one.takedown]


def _at_origin(store: Store, name: str, files: Sequence[Manifest], wanted: str) -> set[str]:
    """The entries of what stands at an origin, in the file as the last run read it where several are known."""
    found: dict[str, set[str]] = {}  # digest of the source file -> entries, whatever settings it was read with
    for manifest in files:
        inputs = manifest.spec["inputs"]
        place = _PLACE.fullmatch(wanted.removeprefix(f"{inputs['source']}:{inputs['file']}:"))
        artifact = store.find(manifest.reference) if place else None
        if place and artifact:
            part = None if place[2] is None else int(place[2])
            found.setdefault(inputs["digest"], set()).update(_entries(artifact, int(place[1]), part))
    last = latest_run(store, name, ended="ingest") if len(found) > 1 else None
    read = {digest for *file, digest in _listed(last.specs if last else {}) if wanted.startswith(":".join(file) + ":")}
    chosen = [entries for digest, entries in found.items() if entries and (digest in read or not read & set(found))]
    if any(entries != chosen[0] for entries in chosen):
        raise ConfigError(
            f"{wanted} is another row in each of {len(chosen)} files of that name; nothing was changed",
            where=store.url,
            remedy=f"Give the entry that is meant: {', '.join(sorted(set().union(*chosen)))}.",
        )
    return chosen[0] if chosen else set()


def _listed(specs: Mapping[str, Mapping]) -> list[list[str]]:
    """[source, file, digest] of each file of a run."""
    return [file[:3] for file in specs["ingest"]["inputs"]["files"]] if "ingest" in specs else []


def _entries(artifact: Artifact, row: int, part: int | None) -> Iterator[str]:
    """Of what a file's artifact keeps of a row: ids, and digests of rejected words."""
    for table in artifact.tables(["id", "origin"]):
        yield from table.filter(_is_at(table["origin"], row, part))["id"].to_pylist()
    rejected = artifact.rejected(["origin", "raw", "record"])
    for one in rejected.filter(_is_at(rejected["origin"], row, part)).to_pylist():
        if entry := words_digest(one["raw"], one["record"]):
            yield entry


def _is_at(origins: pa.ChunkedArray, row: int, part: int | None) -> pa.ChunkedArray:
    here = pc.equal(pc.struct_field(origins, "row"), row)
    return here if part is None else pc.and_(here, pc.equal(pc.struct_field(origins, "part"), part))
