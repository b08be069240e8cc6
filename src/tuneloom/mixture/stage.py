"""The stage: training rows compete for a place in the mixture, rows of other sides pass on unchanged.

Rows not chosen are rejected as "not selected"; the column `repeat` says how often a chosen row is used.
"""

from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Mixture
from tuneloom.errors import NoUsableData
from tuneloom.mixture.choose import choose
from tuneloom.records import reject_rows

VERSION = "mixture-1"
NAMES = ("source", "task", "category", "language")


def mix(writer: Writer, rows: Artifact, config: Mixture, seed: int) -> None:
    """Chooses among the training rows.

    Raises ConfigError for a weight that is no weight, NoUsableData where the weights leave no training row.
    """
    decided = choose(_descriptions(rows), config.weights, config.cap, seed)
    train = decided.filter(pl.col("side") == "train")
    if len(train) and train["repeat"].sum() == 0:
        raise NoUsableData(
            f"of {len(train)} training rows the mixture chose none",
            where=f"mixture.weights: {dict(config.weights)}",
            remedy="Raise a weight.",
        )
    start = 0
    for table in rows.tables():
        here = decided.slice(start, len(table))
        start += len(table)
        writer.count(rows_in=len(table))
        _write(writer, table, here)
    writer.stats.update(
        mixture=_realised(decided),
        repeated=int((decided["repeat"] - 1).clip(0).sum()),  # uses beyond a row's first; the rows are counted once
        not_selected={rule: int((decided["rule"] == rule).sum()) for rule in ("weight", "cap")},
        weights_without_rows=sorted(set(config.weights) - set(decided["source"].to_list())),
    )


def _descriptions(rows: Artifact) -> pl.DataFrame:
    """What decides, of all rows, in the order of `rows.tables()`."""
    columns = ("id", "origin", "side", "task", "category", "language")
    table = rows.table(columns)
    frame = pl.DataFrame({name: pl.from_arrow(table[name]) for name in columns})
    return frame.with_columns(source=pl.col("origin").struct.field("source"))


def _write(writer: Writer, table: pa.Table, decided: pl.DataFrame) -> None:
    chosen = pa.array((decided["repeat"] > 0).to_list(), pa.bool_())
    repeat = pa.array(decided["repeat"].to_list(), pa.int32())
    writer.add(table.append_column("repeat", repeat).filter(chosen))
    left_out = decided.filter(pl.col("repeat") == 0).select("rule", "value", "bound")
    details = [{**detail, "version": VERSION} for detail in left_out.iter_rows(named=True)]
    writer.reject(reject_rows(table.filter(pc.invert(chosen)), "not selected", details))


def _realised(decided: pl.DataFrame) -> dict[str, Any]:
    """The mixture as it came out: by each name, and by all of them, rows, how often they are used, and their share."""
    train = decided.filter((pl.col("side") == "train") & (pl.col("repeat") > 0))
    return {**{name: _shares(train, [name]) for name in NAMES}, "table": _shares(train, list(NAMES))}


def _shares(train: pl.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """`[{"source": "qa", "rows": 10, "used": 20, "share": 0.4}, ...]`, the largest first."""
    total = train["repeat"].sum()
    groups = train.group_by(names).agg(rows=pl.len(), used=pl.col("repeat").sum())
    shares = groups.with_columns(share=(pl.col("used") / total).round(6))
    return shares.sort(["used", *names], descending=[True, *[False for _ in names]], nulls_last=True).to_dicts()
