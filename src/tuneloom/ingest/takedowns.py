"""Rows that were taken down: which entries of the list concern a file, and the key of its artifact without them.

An entry is a row's id or, of a row that ingestion rejected and that has none, the digest of its words; both tell what a
row says and not where it stands, so that it stays away however the file grows. A file's key names the entries that it
holds and no others: one row taken down costs the reading of its own file.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Spec, Store
from tuneloom.records import Reject, digest

REASON = "taken down"
NOTES = "taken-down-v1"
"""Memo, by the key of a file as if it held none: the entries that were found in it when it was read."""
_ENTRY = "entry"
_BATCH = 1_000


def words_digest(raw: bytes | None, record: str | None) -> str | None:
    """The digest of a rejected row's words: of its bytes as read or, where there are none, of its record; None where
    neither was kept."""
    words = record if raw is None else raw
    return None if words is None else digest(words)


def without(spec: Spec, entries: Collection[str]) -> Spec:
    """The spec of a file's artifact without the rows of these entries."""
    return replace(spec, inputs={**spec.inputs, "takedowns": sorted(entries)}) if entries else spec


def entries_of(spec: Spec) -> frozenset[str]:
    """The entries without which a file is read."""
    return frozenset(spec.inputs.get("takedowns", ()))


def entries_met(rejects: Iterable[Reject]) -> set[str]:
    """The entries that rows of a file were rejected for."""
    return {reject.detail["value"] for reject in rejects if reject.reason == REASON}


def entries_in(artifact: Artifact, wanted: Collection[str]) -> set[str]:
    """Those of `wanted` that an ingested file holds, as ids of rows or as words of rejected ones."""
    ids, found = pa.array(sorted(wanted), pa.string()), set[str]()
    for part in artifact.tables(["id"]):
        found.update(part["id"].filter(pc.is_in(part["id"], ids)).to_pylist())
    for path in artifact.files("rejected/"):
        for batch in pq.ParquetFile(path).iter_batches(_BATCH, columns=["raw", "record"]):  # as large as the rows were
            said = (words_digest(row["raw"], row["record"]) for row in batch.to_pylist())
            found.update(one for one in said if one is not None and one in wanted)
    return found


def standing_specs(store: Store, specs: Sequence[Spec], takedowns: frozenset[str]) -> list[Spec]:
    """The specs of files, as planned, without the entries of the list that their rows are known to be concerned by.

    Known are those that were found when a file was read, those of tombstones, and those that an artifact still holds:
    somebody wrote them into the list by hand. Where a tombstone's entries are not in the list any more, the spec is
    the tombstone's, which nobody makes again.
    """
    if not takedowns:
        return list(specs)
    notes = store.known_memos(NOTES, [spec.key for spec in specs])
    return [_standing(store, spec, frozenset(_entries(notes.get(spec.key))), takedowns) for spec in specs]


def note(store: Store, spec: Spec, entries: Collection[str]) -> None:
    """Keeps what a file that nobody had read turned out to hold; `spec` is the planned one."""
    store.memo(NOTES, spec.key, lambda: pa.table({_ENTRY: pa.array(sorted(entries), pa.string())}))


def _standing(store: Store, spec: Spec, noted: frozenset[str], takedowns: frozenset[str]) -> Spec:
    entries = noted if noted <= takedowns else frozenset[str]()
    while True:
        current = without(spec, entries)
        more = _concerned(store, current, takedowns) - entries
        if not more:
            return current
        entries |= more


def _concerned(store: Store, spec: Spec, takedowns: frozenset[str]) -> set[str]:
    """What a file's artifact, or its tombstone, says that it must do without."""
    manifest = next(store.manifests([spec.reference]), None)
    if manifest and manifest.takedown:
        gone = manifest.takedown.ids
        return set(gone) if takedowns.issuperset(gone) else set()
    artifact = store.find(spec.reference)
    return entries_in(artifact, takedowns) if artifact else set()


def _entries(table: pa.Table | None) -> list[str]:
    return table[_ENTRY].to_pylist() if table is not None else []
