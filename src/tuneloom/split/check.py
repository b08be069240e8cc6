"""The check before training: nothing that trains may stand on a side that judges. It trusts no decision made before."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact
from tuneloom.errors import BrokenArtifact
from tuneloom.records import SIDES, Origin
from tuneloom.split.links import COLUMNS, strong_links
from tuneloom.text.content import batches


def check_sides(rows: Artifact) -> None:
    """Raises BrokenArtifact where a prompt, a passage or a conversation tree of `rows` is on the training side and on
    another one, with two rows that show it.

    Rows that a stage edited are left out: two numbers that were masked may have become one.
    """
    keys, sides, places, origins = [np.empty(0, np.uint64)], [np.empty(0, np.uint8)], [np.empty(0, np.int64)], []
    count = 0
    for table, side in _unedited(rows):
        for piece, held in zip(batches(table), batches(pa.table({"side": side})), strict=True):
            links = strong_links(piece, 0)
            keys.append(links.keys)
            sides.append(held["side"].to_numpy().astype(np.uint8)[links.rows])
            places.append(count + links.rows)
            count += len(piece)
        origins.append(table["origin"])
    key, side, place = np.concatenate(keys), np.concatenate(sides), np.concatenate(places)
    both = np.intersect1d(key[side == 0], key[side > 0])
    if not len(both):
        return
    trained, judged = (place[(key == both[0]) & mask].min() for mask in (side == 0, side > 0))
    shown = [Origin(**_at(origins, int(row))) for row in (trained, judged)]
    raise BrokenArtifact(
        f"{len(both)} prompts or passages are on the training side and on another one, such as that of {shown[0]} "
        f"and {shown[1]}",
        where=str(rows.reference),
        remedy="Training on them would make the scores worthless; delete this artifact's folder and run again.",
    )


def _unedited(rows: Artifact) -> Iterator[tuple[pa.Table, pa.Array]]:
    """Rows with a side as they were ingested, and the number of each one's side in `SIDES`."""
    for table in rows.tables((*COLUMNS, "id", "content_hash", "origin", "side")):
        number = pc.index_in(table["side"], pa.array(SIDES))
        mine = pc.and_(pc.is_valid(number), pc.equal(table["id"], table["content_hash"]))
        yield table.filter(mine), number.filter(mine)


def _at(columns: list[pa.ChunkedArray], row: int) -> dict:
    for column in columns:
        if row < len(column):
            return column[row].as_py()
        row -= len(column)
    raise IndexError(row)
