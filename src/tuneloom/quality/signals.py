"""Signals: what can be measured of a row, as columns. A new one is an entry of `SIGNALS`; rules name it.

Each declares the scripts it is valid for: one that counts by spaces says nothing about Chinese, and a rule that would
judge Chinese by it is refused when the profile is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from tuneloom.quality.refusals import BOILERPLATE, UNSAFE_REQUEST
from tuneloom.quality.repetition import WORD, duplicate_ngrams, top_ngram

Scripts = Literal["any", "spaced", "unspaced"]

COUNTS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536)
SHARES = tuple(round(step / 20, 2) for step in range(21))
YES_OR_NO = (0, 1)


@dataclass(frozen=True)
class Signal:
    """How to measure one thing, on which scripts it means something, and the lower edges of its histogram."""

    measure: pl.Expr | Callable[[pl.DataFrame], pl.Series]
    edges: tuple[float, ...]
    scripts: Scripts = "any"


def measure(frame: pl.DataFrame) -> pl.DataFrame:
    """All signals of a `text_frame`, float64, a column each, in its order."""
    by_expression = {name: s.measure for name, s in SIGNALS.items() if isinstance(s.measure, pl.Expr)}
    by_function = {name: s.measure for name, s in SIGNALS.items() if not isinstance(s.measure, pl.Expr)}
    columns = frame.select(expression.cast(pl.Float64).alias(name) for name, expression in by_expression.items())
    return columns.with_columns(function(frame).alias(name) for name, function in by_function.items()).select(*SIGNALS)


def histograms(signals: pl.DataFrame) -> dict[str, list[int]]:
    """Rows by bin of each signal; the last bin is open. A sum over parts is the histogram of the whole."""
    counts = {}
    for name in signals.columns:
        edges = SIGNALS[name].edges
        bins = pl.Series(edges[1:], dtype=pl.Float64).search_sorted(signals[name], side="right")
        found = dict(bins.value_counts().iter_rows())
        counts[name] = [found.get(number, 0) for number in range(len(edges))]
    return counts


def _characters(column: str) -> pl.Expr:
    return pl.col(column).str.len_chars()


def _words(column: str) -> pl.Expr:
    return pl.col(column).str.count_matches(WORD)


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """0 where there is nothing to share."""
    return pl.when(whole > 0).then(part / whole).otherwise(0.0)


def _plain(column: str) -> pl.Expr:
    """One space for each run of white space, none around: what two texts are compared by."""
    return pl.col(column).str.replace_all(r"\s+", " ").str.strip_chars()


def _word_length() -> pl.Expr:
    """Mean length of what stands between spaces, links left out."""
    words = pl.col("answer").str.replace_all(r"https?://\S+", "").str.extract_all(r"\S+")
    return _share(words.list.eval(pl.element().str.len_chars()).list.sum(), words.list.len())


def _duplicate_lines() -> pl.Expr:
    """Share of characters in lines that stood in the answer before."""
    lines = pl.col("answer").str.split("\n").list.eval(pl.element().str.strip_chars())
    every = lines.list.eval(pl.element().str.len_chars()).list.sum()
    once = lines.list.unique().list.eval(pl.element().str.len_chars()).list.sum()
    return _share(every.cast(pl.Float64) - once, every)


_MOJIBAKE = r"\x{FFFD}|Ã[\x{80}-\x{BF}]|Â[\x{80}-\x{BF}]|â€.|锟斤拷|烫烫烫|屯屯屯"
_CUT = (
    r"(?i)(?:\[\s*(?:truncated|cut off|continued|to be continued)\s*\]|<\|?truncated\|?>|\(to be continued\)"
    r"|（未完(?:待续)?）|\[未完(?:待续)?\]|\n#+\s*\d*\.?\s*Instruction:?)\s*$"
)

SIGNALS: Mapping[str, Signal] = {
    "prompt_characters": Signal(_characters("prompt"), COUNTS),
    "prompt_words": Signal(_words("prompt"), COUNTS),
    "answer_characters": Signal(_characters("answer"), COUNTS),
    "answer_words": Signal(_words("answer"), COUNTS),
    "answer_alphanumeric": Signal(
        _share(pl.col("answer").str.count_matches(r"[\p{L}\p{N}]"), pl.col("answer").str.count_matches(r"\S")), SHARES
    ),
    "answer_letters": Signal(
        _share(pl.col("answer").str.count_matches(r"\p{L}"), pl.col("answer").str.count_matches(r"\S")), SHARES
    ),
    "answer_word_length": Signal(_word_length(), COUNTS, scripts="spaced"),
    "answer_duplicate_lines": Signal(_duplicate_lines(), SHARES),
    "answer_top_4gram": Signal(lambda frame: top_ngram(frame["answer"], 4), SHARES),
    "answer_duplicate_10grams": Signal(lambda frame: duplicate_ngrams(frame["answer"], 10), SHARES),
    "answer_repeats_prompt": Signal(
        (_plain("ending") != "")
        & ((_plain("ending") == _plain("request")) | (_plain("ending") == _plain("instruction"))),
        YES_OR_NO,
    ),
    "ending_refuses": Signal(pl.col("ending").str.contains(BOILERPLATE), YES_OR_NO),
    "ending_characters": Signal(_characters("ending"), COUNTS),
    "request_is_unsafe": Signal(pl.col("prompt").str.contains(UNSAFE_REQUEST), YES_OR_NO),
    "has_tools": Signal(pl.col("has_tools"), YES_OR_NO),
    "answer_open_fence": Signal(pl.col("answer").str.count_matches(r"(?m)^\s*```") % 2, YES_OR_NO),
    "answer_is_cut": Signal(pl.col("ending").str.contains(_CUT), YES_OR_NO),
    "answer_mojibake": Signal(
        _share(pl.col("answer").str.count_matches(_MOJIBAKE), _characters("answer")), (0, 0.001, 0.01, 0.1, 0.5)
    ),
}
"""Answers are what the model would learn to say, all of a conversation's; the ending is the last of them."""
