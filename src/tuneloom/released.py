"""The released index: the side of every row that a registered version of a pipeline used, so that none ever changes it.

Registered, not only promoted: any version may be promoted by hand or rolled back to, and what trained one must never
judge it. An index is an artifact (`released/<key>`: index.parquet, sorted by id) and never changes; the document
`STORE/released/<digest of the pipeline's name>.json` says which one stands; release/rows.py writes both.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Reference, Store
from tuneloom.errors import BrokenArtifact
from tuneloom.records import digest

STAGE = "released"
ANCHORS = "anchors.parquet"
"""The file of a split artifact that names the anchor of each row's leak group: columns id, anchor."""
FILE = "index.parquet"


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
    text = store.documents.read(place_of(name))
    return None if text is None else parse_standing(text)


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
    table = pq.read_table(found.path(FILE))
    ids, sides, anchors = (table[name].combine_chunks() for name in ("id", "side", "anchor"))
    return ReleasedIndex(ids.cast(pa.string()), sides.to_numpy(), anchors.to_numpy())


def released_ids(store: Store) -> Iterator[str]:
    """The ids that any standing index lists."""
    for standing in all_standing(store):
        yield from read_index(store, standing.index).ids.to_pylist()


def all_standing(store: Store) -> Iterator[Standing]:
    """What stands for each pipeline of the store. Raises BrokenArtifact for a damaged note."""
    yield from map(parse_standing, store.documents.newest(STAGE))


def parse_standing(text: str) -> Standing:
    """A note of which index stands. Raises BrokenArtifact."""
    try:
        return Standing(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise BrokenArtifact(
            "the note of which released index stands is damaged",
            where=f"{STAGE}/*.json of the store: {text[:80]!r}",
            remedy="Restore that file, or start afresh under another `name`.",
        ) from error


def place_of(name: str) -> str:
    """The document that says which index stands for a pipeline."""
    return f"{STAGE}/{digest(name)}.json"
