"""The released index: the side of every row that a registered version of a pipeline used, so that none ever changes it.

Registered, not only promoted: any version may be promoted by hand or rolled back to, and what trained one must never
judge it. An index is an artifact (`released/<key>`: index.parquet, sorted by id) and never changes; the document
`STORE/released/<digest of the pipeline's name>.json` says which one stands. A release adds its rows just before it
registers, so that no version is without them; what is gone from the sources stays listed, for it may come back.
"""

import functools
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Reference, Spec, Store, Writer, code_digest
from tuneloom.artifacts.locks import lock
from tuneloom.errors import BrokenArtifact
from tuneloom.records import SIDES, digest

STAGE = "released"
ANCHORS = "anchors.parquet"
"""The file of a split artifact that names the anchor of each row's leak group: columns id, anchor."""
_FILE = "index.parquet"
_COLUMNS = {"id": pl.String, "side": pl.UInt8, "anchor": pl.UInt64}


@dataclass(frozen=True)
class ReleasedIndex:
    """Of r rows, by id, each once."""

    ids: pa.StringArray
    sides: np.ndarray
    """uint8 (r,): a number of `records.SIDES`"""
    anchors: np.ndarray
    """uint64 (r,): the anchor of the row's leak group when it was released"""

    def __len__(self) -> int:
        return len(self.ids)

    def sides_of(self, ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """int8 (n,): the side of each of n rows; -1 for one that was never released."""
        place = pc.fill_null(pc.index_in(ids, self.ids), -1)
        known = np.asarray(place, np.int64).reshape(-1)
        return np.where(known >= 0, np.append(self.sides, 0).astype(np.int8)[known], np.int8(-1))

    def sides_of_anchors(self, keys: np.ndarray) -> np.ndarray:
        """int8 (k,): the side on which a leak group of this anchor uint64 (k,) was released, the most protected of
        several; -1 for none."""
        order = np.lexsort((-self.sides.astype(np.int8), self.anchors))
        anchors, first = np.unique(self.anchors[order], return_index=True)
        if not len(anchors):
            return np.full(len(keys), -1, np.int8)
        place = np.minimum(np.searchsorted(anchors, keys), len(anchors) - 1)
        return np.where(anchors[place] == keys, self.sides[order][first][place].astype(np.int8), np.int8(-1))


@dataclass(frozen=True)
class Standing:
    """Which index stands for a pipeline: its key, the one that its last release itself went by, and the key of that
    release's split."""

    name: str
    index: str
    before: str | None
    split: str


NOTHING = ReleasedIndex(pa.array([], pa.string()), np.empty(0, np.uint8), np.empty(0, np.uint64))
"""Before the first release."""


def standing_index(store: Store, name: str) -> Standing | None:
    """What stands for the pipeline `name`; None before its first release. Raises BrokenArtifact for a damaged note."""
    text = store.documents.read(_place(name))
    return None if text is None else _parse(text)


def read_index(store: Store, key: str | None) -> ReleasedIndex:
    """The index of that key, an empty one for None. Raises BrokenArtifact where it cannot be had."""
    if key is None:
        return NOTHING
    found = store.find(Reference(STAGE, key))
    if found is None:
        raise BrokenArtifact(
            "the index of released rows cannot be read: without it rows that trained a released model could judge one",
            where=f"{store.url}/{STAGE}/{key}",
            remedy="Restore that folder, or start afresh under another `name`.",
        )
    return _index(pl.read_parquet(found.path(_FILE)))


def add_release(store: Store, name: str, split: Artifact, mixture: Artifact, went_by: str | None) -> Standing:
    """Adds the rows that `mixture` holds, with the anchors of `split`, to the index of `name`; the run itself went by
    the index `went_by`. A row that is listed keeps its side. Doing it again changes nothing."""
    with _locked(store, name):
        before = standing_index(store, name)
        index = before.index if before else None
        known, used = _frame(read_index(store, index)), _used(split, mixture)
        fresh = used.join(known, on="id", how="anti")
        if index is None or len(fresh):
            inputs = {"before": index, "adds": [str(split.reference), str(mixture.reference)]}
            index = _make(store, inputs, pl.concat([known, fresh]))
        return _stand(store, Standing(name, index, went_by, split.reference.key))


def forget_rows(store: Store, ids: Collection[str], why: str) -> int:
    """Takes rows out of every index of the store that stands, and those that held them down; how many it changed."""
    changed = 0
    for text in list(store.documents.newest(STAGE)):
        standing = _parse(text)
        with _locked(store, standing.name):
            standing = standing_index(store, standing.name) or standing
            rows = read_index(store, standing.index)
            gone = pc.is_in(rows.ids, pa.array(sorted(ids), pa.string())).to_numpy(zero_copy_only=False)
            if gone.any():
                changed += 1
                left = _frame(rows).filter(~pl.Series(gone))
                inputs = {"before": standing.index, "without": digest("\n".join(sorted(ids)))}
                _stand(store, Standing(standing.name, _make(store, inputs, left), None, ""))
    for manifest in [one for one in store.manifests() if one.reference.stage == STAGE and not one.takedown]:
        held = read_index(store, manifest.reference.key).ids if store.find(manifest.reference) else NOTHING.ids
        mine = held.filter(pc.is_in(held, pa.array(sorted(ids), pa.string()))).to_pylist()
        if mine:
            store.take_down(manifest.reference, mine, why)
    return changed


def released_ids(store: Store) -> Iterator[str]:
    """The ids that any standing index lists."""
    for text in store.documents.newest(STAGE):
        yield from read_index(store, _parse(text).index).ids.to_pylist()


def _used(split: Artifact, mixture: Artifact) -> pl.DataFrame:
    """Columns id, side, anchor of the rows that train, choose or judge, each id once."""
    anchors = pl.read_parquet(split.path(ANCHORS)).group_by("id").agg(pl.col("anchor").min())
    parts = [pl.DataFrame(pl.from_arrow(part)) for part in mixture.tables(["id", "side"])]
    used = pl.concat(parts) if parts else pl.DataFrame(schema={"id": pl.String, "side": pl.String})
    number = pl.col("side").replace_strict(SIDES, range(len(SIDES)), return_dtype=pl.UInt8)
    rows = used.filter(pl.col("side").is_in(SIDES)).with_columns(number)
    return (
        rows.join(anchors, on="id", how="inner").select(_COLUMNS.keys()).sort("id", "side").unique("id", keep="first")
    )


def _make(store: Store, inputs: Mapping[str, Any], rows: pl.DataFrame) -> str:
    """The key of the index of these rows."""
    spec = Spec(STAGE, code_digest("tuneloom.released"), inputs=inputs)
    return store.ensure(spec, functools.partial(_write, rows)).reference.key


def _write(rows: pl.DataFrame, writer: Writer) -> None:
    pq.write_table(rows.sort("id").to_arrow(), writer.file(_FILE), compression="zstd")
    numbers, counts = np.unique(rows["side"].to_numpy(), return_counts=True)
    writer.stats["rows"] = {
        SIDES[number]: count for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)
    }


def _index(rows: pl.DataFrame) -> ReleasedIndex:
    ids = rows["id"].to_arrow().cast(pa.string())
    return ReleasedIndex(ids, rows["side"].to_numpy(), rows["anchor"].to_numpy())


def _frame(index: ReleasedIndex) -> pl.DataFrame:
    columns = {"id": pl.from_arrow(index.ids), "side": index.sides, "anchor": index.anchors}
    return pl.DataFrame(columns, schema=_COLUMNS)


def _stand(store: Store, standing: Standing) -> Standing:
    store.documents.write(_place(standing.name), json.dumps(asdict(standing), ensure_ascii=False))
    return standing


def _parse(text: str) -> Standing:
    try:
        return Standing(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise BrokenArtifact(
            "the note of which released index stands is damaged",
            where=f"{STAGE}/*.json of the store: {text[:80]!r}",
            remedy="Restore that file, or start afresh under another `name`.",
        ) from error


def _place(name: str) -> str:
    return f"{STAGE}/{digest(name)}.json"


def _locked(store: Store, name: str) -> AbstractContextManager[None]:
    return lock(store.folder / ".locks" / f"{STAGE}-{digest(name)}.lock", f"the released index of {name}")
