"""How much a text repeats itself, by n-grams of words (a sign is a word where the script has no spaces).

The measures follow Gopher's repetition signals (Rae et al. 2021, appendix A.1.1) and data-juicer's word repetition.
"""

import numpy as np
import polars as pl

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
WORD = rf"[{_UNSPACED}]|[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]+(?:['’][\p{{L}}\p{{N}}]+)*"
"""A word after UAX #29, near enough: `"don't 吃饭"` -> `don't`, `吃`, `饭`."""


def top_ngram(texts: pl.Series, size: int) -> pl.Series:
    """Share of a text's n-grams that are the commonest one, float64; 0 where it repeats none or is too short.

    `"go now go now go now"`, size 2: three of five are "go now" -> 0.6.
    """
    counts = _ngrams(texts, size).group_by("row", "ngram").len()
    by_row = counts.group_by("row").agg(share=pl.col("len").max() / pl.col("len").sum(), most=pl.col("len").max())
    return _in_order(by_row.with_columns(pl.when(pl.col("most") > 1).then("share").otherwise(0.0)), texts)


def duplicate_ngrams(texts: pl.Series, size: int) -> pl.Series:
    """Share of a text's n-grams that stood in it before, float64: `"a b a b a"`, size 2: two of four -> 0.5."""
    by_row = _ngrams(texts, size).group_by("row").agg(share=1 - pl.col("ngram").n_unique() / pl.len())
    return _in_order(by_row, texts)


def _ngrams(texts: pl.Series, size: int) -> pl.DataFrame:
    """Every n-gram as (row, ngram): a polynomial hash of its words' hashes, modulo 2**64."""
    words = pl.DataFrame({"word": texts.str.to_lowercase().str.extract_all(WORD)}).with_row_index("row")
    words = words.filter(pl.col("word").list.len() >= size).explode("word")
    rows = words["row"].to_numpy()  # (W,) uint32
    hashes = words["word"].hash(seed=0).to_numpy()  # (W,) uint64
    count = max(0, len(rows) - size + 1)
    ngrams = np.zeros(count, np.uint64)
    for place in range(size):
        ngrams = ngrams * np.uint64(0x9E3779B97F4A7C15) + hashes[place : place + count]
    within = rows[:count] == rows[size - 1 : size - 1 + count]
    return pl.DataFrame({"row": rows[:count][within], "ngram": ngrams[within]})


def _in_order(by_row: pl.DataFrame, texts: pl.Series) -> pl.Series:
    all_rows = pl.DataFrame({"row": pl.Series(range(len(texts)), dtype=pl.UInt32)})
    return all_rows.join(by_row, on="row", how="left", maintain_order="left")["share"].fill_null(0.0)
