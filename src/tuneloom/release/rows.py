"""The rows of a release: added to the index of released rows before a version is registered, taken out by a takedown.

Added first, so that no version is without them; what is gone from the sources stays listed, for it may come back.
"""

import functools
import json
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact, Spec, Store, Writer, code_digest, lock
from tuneloom.records import SIDES, digest
from tuneloom.released import (
    ANCHORS,
    FILE,
    NOTHING,
    STAGE,
    ReleasedIndex,
    Standing,
    parse_standing,
    place_of,
    read_index,
    standing_index,
)

_COLUMNS = {"id": pl.String, "side": pl.UInt8, "anchor": pl.UInt64}


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
        standing = parse_standing(text)
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
    spec = Spec(STAGE, code_digest("tuneloom.release.rows"), inputs=inputs)
    return store.ensure(spec, functools.partial(_write, rows)).reference.key


def _write(rows: pl.DataFrame, writer: Writer) -> None:
    pq.write_table(rows.sort("id").to_arrow(), writer.file(FILE), compression="zstd")
    numbers, counts = np.unique(rows["side"].to_numpy(), return_counts=True)
    writer.stats["rows"] = {
        SIDES[number]: count for number, count in zip(numbers.tolist(), counts.tolist(), strict=True)
    }


def _frame(index: ReleasedIndex) -> pl.DataFrame:
    columns = {"id": pl.from_arrow(index.ids), "side": index.sides, "anchor": index.anchors}
    return pl.DataFrame(columns, schema=_COLUMNS)


def _stand(store: Store, standing: Standing) -> Standing:
    store.documents.write(place_of(standing.name), json.dumps(asdict(standing), ensure_ascii=False))
    return standing


def _locked(store: Store, name: str) -> AbstractContextManager[None]:
    return lock(store.folder / ".locks" / f"{STAGE}-{digest(name)}.lock", f"the released index of {name}")
