"""The choice among training rows: weights by source, then a cap by task, both in one fixed random order.

A weight scales a source as T5's rates do (Raffel et al. 2020): below 1 it keeps that share, above 1 it repeats. The cap
is that of examples-proportional mixing (FLAN used 3,000 rows a task). A row's place in the order is a hash of seed and
id, so that it depends on neither partitions nor what else is there, and a refresh changes few choices.
"""

from collections.abc import Mapping
from hashlib import blake2b

import polars as pl

from tuneloom.errors import ConfigError


def choose(rows: pl.DataFrame, weights: Mapping[str, float], cap: int | None, seed: int) -> pl.DataFrame:
    """Decides over `rows` (columns `id`, `origin`, `source`, `task`, `side`), in their order. Adds the columns

    `repeat`  int32, how often the row is used: 0 means not chosen; rows of other sides than train have 1
    `rule`    null, or why the row was not chosen: "weight" or "cap"
    `value`, `bound`  the row's rank then, and the last rank that stays

    Two rows of source a with weight 1.5: one has `repeat` 2, the other 1. Raises ConfigError for a negative weight.
    """
    _check(weights)
    numbered = rows.with_row_index("place").with_columns(
        draw=pl.Series(_draws(rows["id"].to_list(), seed), dtype=pl.UInt64),
        weight=pl.col("source").replace_strict(dict(weights) or {"": 1.0}, default=1.0, return_dtype=pl.Float64),
    )
    train = numbered.filter(pl.col("side") == "train").sort("draw", "origin")
    weighed = _by_weight(train)
    capped = _by_cap(weighed, cap)
    decided = pl.concat([capped, weighed.filter(pl.col("repeat") == 0)])
    return (
        numbered.join(decided.select("place", "repeat", "rule", "value", "bound"), on="place", how="left")
        .with_columns(pl.when(pl.col("side") == "train").then("repeat").otherwise(1).cast(pl.Int32).alias("repeat"))
        .sort("place")
        .drop("place", "draw", "weight")
    )


def _check(weights: Mapping[str, float]) -> None:
    for source, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise ConfigError(
                f"the weight of source {source!r} is {weight}",
                where=f"mixture.weights.{source}",
                remedy="Give 0 (none), a share such as 0.5, or how often its rows are used, such as 2.",
            )


def _draws(ids: list[str], seed: int) -> list[int]:
    """64 random bits of each id; a loop, since they must be the same in every version of every library."""
    prefix = f"{seed}:".encode()
    return [int.from_bytes(blake2b(prefix + id.encode(), digest_size=8).digest(), "big") for id in ids]


def _by_weight(train: pl.DataFrame) -> pl.DataFrame:
    """Weight 2.3 on 10 rows: all of them twice, the first 3 of the order a third time."""
    whole = pl.col("weight").floor()
    extra = ((pl.col("weight") - whole) * pl.len().over("source")).round(mode="half_away_from_zero")
    rank = pl.int_range(1, pl.len() + 1).over("source")
    chosen = train.with_columns(repeat=(whole + (rank <= extra)).cast(pl.Int32), rank=rank, extra=extra)
    left_out = pl.col("repeat") == 0
    return chosen.with_columns(
        rule=pl.when(left_out).then(pl.lit("weight")),
        value=pl.when(left_out).then("rank").cast(pl.Int64),
        bound=pl.when(left_out).then("extra").cast(pl.Int64),
    ).drop("rank", "extra")


def _by_cap(weighed: pl.DataFrame, cap: int | None) -> pl.DataFrame:
    """The first `cap` rows of each task stay; rows that name no task are their source's one task."""
    left = weighed.filter(pl.col("repeat") > 0)
    if cap is None:
        return left
    rank = pl.int_range(1, pl.len() + 1).over(pl.col("task").fill_null("source " + pl.col("source")))
    ranked = left.with_columns(rank=rank)
    over = pl.col("rank") > cap
    return ranked.with_columns(
        repeat=pl.when(over).then(0).otherwise("repeat").cast(pl.Int32),
        rule=pl.when(over).then(pl.lit("cap")),
        value=pl.when(over).then("rank").cast(pl.Int64),
        bound=pl.when(over).then(cap).cast(pl.Int64),
    ).drop("rank")
