"""All signals of a table of texts: compiled counts over pieces of rows on every core, then one set of expressions."""

import numpy as np
import polars as pl
import pyarrow as pa

from tuneloom.quality.counts import Counts, count, same_text
from tuneloom.quality.repetition import DUPLICATE, TOP, repetition
from tuneloom.quality.signals import FIELDS, SIGNALS
from tuneloom.quality.verbs import verb
from tuneloom.text.kernels import over_threads

_PIECE = 2_048
"""Rows counted at once."""
_DECIMALS = 4


def measure(frame: pl.DataFrame) -> pl.DataFrame:
    """All signals of a `text_frame`, float64 of four decimals, a column each, in its order; then the task's `verb`.

    Four decimals are what a reject tells, and what the stored signals take a fourth of the room for.
    """
    counted = frame.hstack([*_counted(frame, "prompt"), *_counted(frame, "answer"), *_repeated(frame)])
    counted = counted.with_columns(
        _column("answer.repeats_prompt", [_repeats_prompt(frame)]),
        pl.col("ending").str.len_chars().alias("ending.characters"),
        *(_symbols(field).alias(f"{field}.symbols") for field in ("prompt", "answer")),
    )
    asked = pl.when(pl.col("instruction") != "").then(pl.col("instruction")).otherwise(pl.col("request"))
    return counted.with_columns(asked=asked).select(
        *(_expression(name).cast(pl.Float64).round(_DECIMALS).alias(name) for name in SIGNALS),
        verb("asked").alias("verb"),
    )


def histograms(signals: pl.DataFrame) -> dict[str, list[int]]:
    """Rows by bin of each signal; the last bin is open. A sum over parts is the histogram of the whole."""
    counts = {}
    for name in SIGNALS:
        edges = SIGNALS[name].edges
        bins = pl.Series(edges[1:], dtype=pl.Float64).search_sorted(signals[name], side="right")
        found = dict(bins.value_counts().iter_rows())
        counts[name] = [found.get(number, 0) for number in range(len(edges))]
    return counts


def _expression(name: str) -> pl.Expr:
    field = FIELDS[name]
    return SIGNALS[name].measure(lambda column: pl.col(field if column == "text" else f"{field}.{column}"))


def _repeats_prompt(frame: pl.DataFrame) -> np.ndarray:
    """Whether the last answer is the request, or the bare instruction, word for word; bool (n,)."""
    ending, *asked = (_array(frame[name]) for name in ("ending", "request", "instruction"))
    said = (frame["ending"] != "").to_numpy()
    return said & (same_text(ending, asked[0]) | same_text(ending, asked[1]))


def _symbols(field: str) -> pl.Expr:
    one, *others = (
        pl.col(f"{field}.{name}").cast(pl.Float64) for name in ("characters", "letters", "digits", "spaces")
    )
    for other in others:
        one = one - other
    return one


def _counted(frame: pl.DataFrame, field: str) -> list[pl.Series]:
    pieces = over_threads(count, _pieces(frame[field]))
    return [_column(f"{field}.{name}", [getattr(piece, name) for piece in pieces]) for name in Counts._fields]


def _repeated(frame: pl.DataFrame) -> list[pl.Series]:
    pieces = over_threads(repetition, _pieces(frame["answer"]))
    units = ("lines_again", "paragraphs_again", "line_characters_again", "paragraph_characters_again")
    return [
        *(_column(f"answer.top_{size}", [p.top[n] for p in pieces]) for n, size in enumerate(TOP)),
        *(_column(f"answer.duplicate_{size}", [p.duplicate[n] for p in pieces]) for n, size in enumerate(DUPLICATE)),
        _column("answer.run_words", [piece.words for piece in pieces]),
        _column("answer.run_characters", [piece.characters for piece in pieces]),
        *(_column(f"answer.{name}", [piece.units[n] for piece in pieces]) for n, name in enumerate(units)),
    ]


def _pieces(texts: pl.Series) -> list[pa.LargeStringArray]:
    array = _array(texts)
    return [array.slice(start, _PIECE) for start in range(0, max(1, len(array)), _PIECE)]


def _array(texts: pl.Series) -> pa.LargeStringArray:
    return texts.to_arrow(compat_level=pl.CompatLevel.oldest())


def _column(name: str, parts: list) -> pl.Series:
    return pl.concat([pl.Series(name, part) for part in parts])
