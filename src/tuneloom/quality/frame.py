"""The texts that signals look at, one row a conversation: what was asked, and what the model would learn to say."""

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

UNSPACED = ("zh", "ja", "th", "lo", "km", "my")
"""Languages written without spaces between words; rules that count by spaces must not judge them."""


def text_frame(table: pa.Table) -> pl.DataFrame:
    """A frame in the order of the table, with the columns

    `prompt`  all that is not the model's, joined by line breaks    `request`  the last user message
    `answer`  all that is learnt (assistant, weight not 0), joined  `ending`   the last of it
    `instruction` the field of that name, `turns` (answers learnt), `language`, `kind`, `script` (spaced or unspaced),
    `side`, `source`, `use`, `has_tools` (0 or 1).
    """
    rows = pl.DataFrame(
        {
            "row": pl.Series(range(len(table)), dtype=pl.UInt32),
            **{name: pl.from_arrow(table[name]) for name in ("language", "kind", "side", "use", "tools", "messages")},
            "instruction": _field(table, "instruction"),
            "source": pl.from_arrow(table["origin"]).struct.field("source"),
        }
    )
    return (
        rows.drop("messages")
        .join(_texts(rows), on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("prompt", "answer", "request", "ending", "instruction").fill_null(""),
            turns=pl.col("turns").fill_null(0),
            kind=pl.col("kind").fill_null("natural"),
            use=pl.col("use").fill_null("train"),
            script=pl.when(pl.col("language").is_in(UNSPACED)).then(pl.lit("unspaced")).otherwise(pl.lit("spaced")),
            has_tools=pl.col("tools").is_not_null().cast(pl.UInt8),
        )
    )


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    turns = (
        rows.select("row", "messages")
        .explode("messages")
        .select("row", pl.col("messages").struct.unnest())
        .with_columns(pl.col("content").fill_null(""))
    )
    learnt = (pl.col("role") == "assistant") & (pl.col("weight").fill_null(1) != 0)
    return turns.group_by("row", maintain_order=True).agg(
        prompt=pl.col("content").filter(pl.col("role") != "assistant").str.join("\n"),
        answer=pl.col("content").filter(learnt).str.join("\n"),
        request=pl.col("content").filter(pl.col("role") == "user").last(),
        ending=pl.col("content").filter(learnt).last(),
        turns=learnt.sum(),
    )


def _field(table: pa.Table, name: str) -> pl.Series:
    """One key of the map column `fields`, null where it is missing."""
    return pl.Series(pc.map_lookup(table["fields"].combine_chunks(), name, "first").to_pylist(), dtype=pl.String)
