"""The choice among training rows: weights, a cap, a temperature and token budgets, in that order.

Without any of them the mixture is proportional: every row once. A weight scales a source: below 1 it keeps that share,
above 1 it repeats. Cap and temperature are T5's mixing rates (Raffel et al. 2020, section 3.5.2), r_m in proportion to
min(e_m, K)^(1/T) of a task's e_m rows: K = `cap` (FLAN 2021 used 3,000) and T = `temperature` (1 is
examples-proportional mixing, towards infinity all tasks become equal). A rate becomes rows by keeping the size of the
epoch that the cap alone would leave. A row's place in the order is a hash of seed and id, so that it depends on neither
partitions nor what else is there, and a refresh changes few choices.
"""

from collections.abc import Mapping
from hashlib import blake2b

import polars as pl

from tuneloom.config import Mixture
from tuneloom.errors import ConfigError

RULES = ("weight", "cap", "temperature", "tokens")
"""Why a row may be left out, in the order in which they are asked."""


def choose(rows: pl.DataFrame, config: Mixture, seed: int) -> pl.DataFrame:
    """Decides over `rows` (columns `id`, `origin`, `source`, `task`, `language`, `side`, and `tokens` where there are
    budgets), in their order. Adds the columns

    `repeat`  int32, how often the row is used: 0 means not chosen; rows of other sides than train have 1
    `rule`    null, or why the row was not chosen, one of `RULES`
    `value`, `bound`  the row's rank then (of tokens: the source's tokens up to it), and the last that stays

    Two rows of source a with weight 1.5: one has `repeat` 2, the other 1. Raises ConfigError for a negative weight.
    """
    _check(config.weights)
    numbered = rows.with_row_index("place").with_columns(
        draw=pl.Series(_draws(rows["id"].to_list(), seed), dtype=pl.UInt64),
        weight=pl.col("source").replace_strict(config.weights or {"": 1.0}, default=1.0, return_dtype=pl.Float64),
    )
    train = numbered.filter(pl.col("side") == "train").sort("draw", "origin").with_columns(group=_group(config.by))
    chosen = _by_weight(train)
    if config.cap is not None:
        chosen = _by_cap(chosen, config.cap)
    if config.temperature != 1:
        chosen = _by_temperature(chosen, config.temperature)
    if config.tokens:
        chosen = _by_tokens(chosen, config.tokens)
    return (
        numbered.join(chosen.select("place", "repeat", "rule", "value", "bound"), on="place", how="left")
        .with_columns(pl.when(pl.col("side") == "train").then("repeat").otherwise(1).cast(pl.Int32).alias("repeat"))
        .sort("place")
        .drop("place", "draw", "weight")
    )


def mixing_rates(sizes: Mapping[str, float], cap: float | None = None, temperature: float = 1.0) -> dict[str, float]:
    """T5's rates, which sum to 1: `{"a": 1, "b": 9}` with cap 4 -> `{"a": 0.2, "b": 0.8}`, with T = 2 -> 1/3, 2/3."""
    limited = {name: min(size, float("inf") if cap is None else cap) for name, size in sizes.items()}
    powers = {name: size ** (1 / temperature) if size else 0.0 for name, size in limited.items()}
    total = sum(powers.values())
    return {name: power / total if total else 0.0 for name, power in powers.items()}


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


def _group(by: str) -> pl.Expr:
    """What cap and temperature count: rows that name no task or language are their source's one."""
    return pl.col(by).fill_null("source " + pl.col("source")) if by != "source" else pl.col("source")


def _left_out(rule: str, value: pl.Expr, bound: pl.Expr) -> list[pl.Expr]:
    """Notes the rule on rows that it has just brought down to no use."""
    fresh = (pl.col("repeat") == 0) & pl.col("rule").is_null()
    return [
        pl.when(fresh).then(pl.lit(rule)).otherwise("rule").alias("rule"),
        pl.when(fresh).then(value.cast(pl.Int64)).otherwise("value").alias("value"),
        pl.when(fresh).then(bound.cast(pl.Int64)).otherwise("bound").alias("bound"),
    ]


def _rank(over: str) -> pl.Expr:
    """1, 2, ... among the rows of a group that are still used, in the fixed order."""
    return (pl.col("repeat") > 0).cast(pl.Int64).cum_sum().over(over)


def _by_weight(train: pl.DataFrame) -> pl.DataFrame:
    """Weight 2.3 on 10 rows: all of them twice, the first 3 of the order a third time."""
    whole = pl.col("weight").floor()
    extra = ((pl.col("weight") - whole) * pl.len().over("source")).round(mode="half_away_from_zero")
    rank = pl.int_range(1, pl.len() + 1).over("source")
    none = {"rule": pl.lit(None, pl.String), "value": pl.lit(None, pl.Int64), "bound": pl.lit(None, pl.Int64)}
    chosen = train.with_columns(repeat=(whole + (rank <= extra)).cast(pl.Int64), rank=rank, extra=extra, **none)
    return chosen.with_columns(_left_out("weight", pl.col("rank"), pl.col("extra")))


def _by_cap(rows: pl.DataFrame, cap: int) -> pl.DataFrame:
    """The first `cap` used rows of each group stay."""
    ranked = rows.with_columns(rank=_rank("group"))
    over = pl.col("rank") > cap
    kept = ranked.with_columns(repeat=pl.when(over).then(0).otherwise("repeat"))
    return kept.with_columns(_left_out("cap", pl.col("rank"), pl.lit(cap)))


def _by_temperature(rows: pl.DataFrame, temperature: float) -> pl.DataFrame:
    """Uses of each group in proportion to the power 1/T of what they were, their sum unchanged.

    Groups of 1 and 9 uses at T = 2: 2.5 and 7.5, by largest remainders 3 and 7 (of equals the first by name has it).
    Within a group every row's uses are scaled alike; what rounding leaves goes to the first rows of the order.
    """
    uses = dict(rows.group_by("group").agg(pl.col("repeat").sum()).sort("group").iter_rows())
    target = _apportion(mixing_rates(uses, temperature=temperature), sum(uses.values()))
    scaled = rows.with_columns(
        rank=_rank("group"),
        goal=pl.col("group").replace_strict(target, return_dtype=pl.Int64),
        whole=pl.col("repeat")
        * pl.col("group").replace_strict(target, return_dtype=pl.Int64)
        // pl.col("repeat").sum().over("group").clip(1),
    )
    rest = pl.col("goal") - pl.col("whole").sum().over("group")
    used = pl.col("repeat") > 0
    kept = scaled.with_columns(
        repeat=pl.when(used).then(pl.col("whole") + (pl.col("rank") <= rest).cast(pl.Int64)).otherwise(0)
    )
    return kept.with_columns(_left_out("temperature", pl.col("rank"), pl.col("goal")))


def _apportion(rates: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers that sum to `total`, by largest remainders: `{"a": 1/3, "b": 2/3}` of 10 -> `{"a": 3, "b": 7}`."""
    whole = {name: int(rate * total) for name, rate in rates.items()}
    by_rest = sorted(rates, key=lambda name: (whole[name] - rates[name] * total, name))
    for name in by_rest[: total - sum(whole.values())]:
        whole[name] += 1
    return whole


def _by_tokens(rows: pl.DataFrame, budgets: Mapping[str, int]) -> pl.DataFrame:
    """A source's rows are used in the order until its budget is spent; the row that would overdraw it, and all that
    follow, are out. A row used twice costs twice.
    """
    spent = (pl.col("repeat") * pl.col("tokens")).cum_sum().over("source")
    counted = rows.with_columns(
        spent=spent,
        budget=pl.col("source").replace_strict(budgets, default=None, return_dtype=pl.Int64),
    )
    over = (pl.col("spent") > pl.col("budget")).fill_null(False)
    kept = counted.with_columns(repeat=pl.when(over).then(0).otherwise("repeat"))
    return kept.with_columns(_left_out("tokens", pl.col("spent"), pl.col("budget")))
