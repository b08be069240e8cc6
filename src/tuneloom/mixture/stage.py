"""The stage: training rows compete for a place in the mixture, rows of other sides pass on unchanged.

Rows not chosen are rejected as "not selected"; the column `repeat` says how often a chosen row is used.
"""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.artifacts import Artifact, Writer
from tuneloom.config import Mixture
from tuneloom.errors import NoUsableData
from tuneloom.mixture.choose import RULES, choose
from tuneloom.records import reject_rows

VERSION = "mixture-2"
NAMES = ("source", "task", "category", "language")

CountTokens = Callable[[Sequence[str]], Sequence[int]]
"""How many tokens each text has in the model's tokenizer."""


def mix(writer: Writer, rows: Artifact, config: Mixture, seed: int, count_tokens: CountTokens | None = None) -> None:
    """Chooses among the training rows; `count_tokens` is needed where the config has token budgets.

    Raises ConfigError for a weight that is no weight, NoUsableData where the mixture leaves no training row.
    """
    decided = choose(_descriptions(rows, count_tokens if config.tokens else None), config, seed)
    train = decided.filter(pl.col("side") == "train")
    if len(train) and train["repeat"].sum() == 0:
        raise NoUsableData(
            f"of {len(train)} training rows the mixture chose none",
            where=f"mixture: weights {dict(config.weights)}, tokens {dict(config.tokens)}",
            remedy="Raise a weight or a budget.",
        )
    start = 0
    for table in rows.tables():
        here = decided.slice(start, len(table))
        start += len(table)
        writer.count(rows_in=len(table))
        _write(writer, table, here)
    named = {*config.weights, *config.tokens}
    writer.stats.update(
        mixture=_realised(decided),
        repeated=int((decided["repeat"] - 1).clip(0).sum()),  # uses beyond a row's first; the rows are counted once
        not_selected={rule: int((decided["rule"] == rule).sum()) for rule in RULES},
        weights_without_rows=sorted(named - set(decided["source"].to_list())),
    )


def _descriptions(rows: Artifact, count_tokens: CountTokens | None) -> pl.DataFrame:
    """What decides, of all rows, in the order of `rows.tables()`."""
    columns = ("id", "origin", "side", "task", "category", "language")
    parts = []
    for table in rows.tables([*columns, "messages"]):
        frame = pl.DataFrame({name: pl.from_arrow(table[name]) for name in columns})
        texts = _contents(table)
        parts.append(frame.with_columns(characters=texts.str.len_chars().cast(pl.Int64)))
        if count_tokens:
            counts = pl.Series(count_tokens(texts.to_list()), dtype=pl.Int64)
            parts[-1] = parts[-1].with_columns(tokens=counts)
    return pl.concat(parts).with_columns(source=pl.col("origin").struct.field("source"))


def _contents(table: pa.Table) -> pl.Series:
    """Each row's messages as one text."""
    messages = pl.DataFrame({"messages": pl.from_arrow(table["messages"])})
    contents = pl.col("messages").list.eval(pl.element().struct.field("content").fill_null(""))
    return messages.select(contents.list.join("\n").fill_null("")).to_series()


def _write(writer: Writer, table: pa.Table, decided: pl.DataFrame) -> None:
    chosen = pa.array((decided["repeat"] > 0).to_list(), pa.bool_())
    repeat = pa.array(decided["repeat"].to_list(), pa.int32())
    writer.add(table.append_column("repeat", repeat).filter(chosen))
    left_out = decided.filter(pl.col("repeat") == 0).select("rule", "value", "bound")
    details = [{**detail, "version": VERSION} for detail in left_out.iter_rows(named=True)]
    writer.reject(reject_rows(table.filter(pc.invert(chosen)), "not selected", details))


def _realised(decided: pl.DataFrame) -> dict[str, Any]:
    """The mixture as it came out: by each name, and by all of them, rows to choose from, rows, how often they are used,
    their share, and the characters (tokens too, where they were counted) of all uses."""
    train = decided.filter(pl.col("side") == "train")
    return {**{name: _shares(train, [name]) for name in NAMES}, "table": _shares(train, list(NAMES))}


def _shares(train: pl.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    """`[{"source": "qa", "of": 12, "rows": 10, "used": 20, "share": 0.4, "characters": 900}]`, the largest first."""
    total = train["repeat"].sum()
    sizes = [name for name in ("characters", "tokens") if name in train.columns]
    groups = train.group_by(names).agg(
        pl.len().alias("of"),
        (pl.col("repeat") > 0).sum().alias("rows"),
        pl.col("repeat").sum().alias("used"),
        *((pl.col("repeat") * pl.col(name)).sum().alias(name) for name in sizes),
    )
    shares = groups.with_columns(share=(pl.col("used") / total).round(6)).filter(pl.col("rows") > 0)
    ordered = shares.sort(["used", *names], descending=[True, *[False for _ in names]], nulls_last=True)
    return ordered.select(*names, "of", "rows", "used", "share", *sizes).to_dicts()
