"""The table of signals: what is measured of a row. A new one is an entry here; rules, histograms, `show quality` and
docs/quality.md find it by its name.

A signal is an expression over a field's text and counts (`counts.Counts`, `repetition.Repetition`). It declares the
fields it may be measured on and the scripts and languages for which it means something: Gopher's stop words say nothing
about Chinese, so a rule that would judge Chinese by them is refused when the config is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from tuneloom.quality import boilerplate
from tuneloom.quality.refusals import BOILERPLATE, UNSAFE_REQUEST

Scripts = Literal["any", "spaced", "unspaced"]
Field = Callable[[str], pl.Expr]
"""A field's columns by name: `f("text")`, or one of its counts, `f("words")`."""

COUNTS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536)
SHARES = tuple(round(step / 20, 2) for step in range(21))
SMALL = (0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
RATIOS = (0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
FEW = (0, 1, 2, 3, 4, 5, 6, 7, 8)
YES_OR_NO = (0, 1)


@dataclass(frozen=True)
class Signal:
    """How one thing is measured and shown; `<field>_<signal>` names it, or the signal alone where it has no field."""

    says: str
    """What it is, for people."""
    edges: tuple[float, ...]
    """Lower edges of its histogram's bins."""
    measure: Callable[[Field], pl.Expr]
    fields: tuple[str, ...] = ("answer",)
    """`prompt`: all that is not the model's; `answer`: all that it would learn; `ending`: the last of that."""
    scripts: Scripts = "any"
    languages: tuple[str, ...] = ()
    """Those for which it means something; empty for all."""


def share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """0 where there is nothing to share."""
    return pl.when(whole > 0).then(part / whole).otherwise(0.0)


def _count(name: str) -> Callable[[Field], pl.Expr]:
    """The count of that name as it is."""
    return lambda f: f(name)


def _echo() -> pl.Expr:
    """Share of the last answer that is the request said again at its start, where that is a sentence's length."""
    asked = (
        pl.when(pl.col("instruction") != "").then(pl.col("instruction")).otherwise(pl.col("request")).str.strip_chars()
    )
    length = asked.str.len_chars()
    said = pl.col("ending").str.strip_chars()
    return (
        pl.when((length >= _LEAST_ECHO) & said.str.starts_with(asked))
        .then(length / said.str.len_chars())
        .otherwise(0.0)
    )


_LEAST_ECHO = 8
_MOJIBAKE = r"\x{FFFD}|Ã[\x{80}-\x{BF}]|Â[\x{80}-\x{BF}]|â€.|锟斤拷|烫烫烫|屯屯屯"
_CUT = (
    r"(?i)(?:\[\s*(?:truncated|cut off|continued|to be continued)\s*\]|<\|?truncated\|?>|\(to be continued\)"
    r"|（未完(?:待续)?）|\[未完(?:待续)?\]|\n#+\s*\d*\.?\s*Instruction:?)\s*$"
)
_MIDWAY = (
    r"(?i)(?:[,，、;；(（\[{]|(?-u:\b)(?:and|or|but|the|a|an|of|to|in|for|with|because|such as|including)"
    r"|(?:因为|所以|但是|以及|或者|而且|例如|包括|和))\s*$"
)

TABLE: Mapping[str, Signal] = {
    "characters": Signal("characters", COUNTS, lambda f: f("characters"), ("prompt", "answer", "ending")),
    "words": Signal(
        "words; a sign is one where the script has no spaces", COUNTS, lambda f: f("words"), ("prompt", "answer")
    ),
    "tokens_estimated": Signal(
        "tokens, estimated without a tokenizer: 1 % off SmolLM2's in sum, 6 % in the median of single texts",
        COUNTS,
        lambda f: (
            0.82 * (f("words") - f("unspaced"))
            + 1.8 * f("unspaced")
            + 0.65 * f("digits")
            + 1.05 * f("symbols")
            + 0.065 * f("letters")
        ),
        ("prompt", "answer"),
    ),
    "alphanumeric": Signal(
        "letters and digits, share of what is not blank",
        SHARES,
        lambda f: share(f("letters") + f("digits"), f("characters") - f("spaces")),
        ("prompt", "answer"),
    ),
    "letters": Signal(
        "letters, share of what is not blank", SHARES,
        lambda f: share(f("letters"), f("characters") - f("spaces")), ("prompt", "answer"),
    ),
    "digits": Signal(
        "digits, share of what is not blank", SHARES,
        lambda f: share(f("digits"), f("characters") - f("spaces")), ("prompt", "answer"),
    ),
    "symbols": Signal(
        "what is neither letter, digit nor blank, share of all characters", SHARES,
        lambda f: share(f("symbols"), f("characters")), ("prompt", "answer"),
    ),
    "links": Signal(
        "characters of links, share", SHARES, lambda f: share(f("links"), f("characters")), ("prompt", "answer")
    ),
    "tags": Signal(
        "characters of HTML tags, share", SHARES, lambda f: share(f("tags"), f("characters")), ("prompt", "answer")
    ),
    "blanks": Signal("blanks, share of characters", SHARES, lambda f: share(f("spaces"), f("characters"))),
    "parentheses": Signal("( and ), share of characters", SHARES, lambda f: share(f("parentheses"), f("characters"))),
    "unspaced": Signal(
        "signs of scripts without spaces, share of letters", SHARES, lambda f: share(f("unspaced"), f("letters")),
        ("prompt", "answer"),
    ),
    "longest_run": Signal("how often the same letter or digit follows itself", COUNTS, lambda f: f("longest_run")),
    "word_length": Signal(
        "mean length of what stands between blanks, links left out", COUNTS,
        lambda f: share(f("chunk_characters"), f("chunks")), scripts="spaced",
    ),
    "lettered_words": Signal(
        "words with a letter, share of what stands between blanks", SHARES,
        lambda f: share(f("lettered_chunks"), f("chunks")), scripts="spaced",
    ),
    "ellipses": Signal(
        "`#`, `...` and `…` for each word between blanks", SMALL, lambda f: share(f("ellipses"), f("chunks")),
        scripts="spaced",
    ),
    "stop_words": Signal(
        "how many of Gopher's eight English stop words occur", FEW, lambda f: f("stop_words"),
        scripts="spaced", languages=("en",),
    ),
    "lines": Signal("lines that are not blank", COUNTS, lambda f: f("lines")),
    "line_length": Signal("mean length of a line, characters", COUNTS, lambda f: share(f("characters"), f("lines"))),
    "longest_line": Signal("length of the longest line, characters", COUNTS, lambda f: f("longest_line")),
    "short_lines": Signal("lines below 30 characters, share", SHARES, lambda f: share(f("short_lines"), f("lines"))),
    "bullet_lines": Signal("lines that begin with a bullet, share", SHARES, lambda f: share(f("bullets"), f("lines"))),
    "trailing_lines": Signal(
        "lines that end in an ellipsis, share", SHARES, lambda f: share(f("trailing"), f("lines"))
    ),
    "stopped_lines": Signal("lines that end in punctuation, share", SHARES, lambda f: share(f("stopped"), f("lines"))),
    "open_fence": Signal("a block of code is opened and not closed", YES_OR_NO, lambda f: f("fences") % 2),
    **{
        f"top_{size}gram": Signal(
            f"characters of words in the commonest {size}-gram, share", SHARES, _count(f"top_{size}")
        )
        for size in (2, 3, 4)
    },
    **{
        f"duplicate_{size}grams": Signal(
            f"characters of words in {size}-grams that stood before, share", SHARES,
            _count(f"duplicate_{size}"),
        )
        for size in (5, 6, 7, 8, 9, 10)
    },
    "word_repetition": Signal("runs of 10 words that occur again, share", SHARES, lambda f: f("run_words")),
    "character_repetition": Signal(
        "runs of 10 characters among the commonest repeated ones, share", SHARES, lambda f: f("run_characters")
    ),
    "duplicate_lines": Signal("lines that stood before, share", SHARES, lambda f: f("lines_again")),
    "duplicate_paragraphs": Signal("paragraphs that stood before, share", SHARES, lambda f: f("paragraphs_again")),
    "duplicate_line_characters": Signal(
        "characters in lines that stood before, share", SHARES, lambda f: f("line_characters_again")
    ),
    "duplicate_paragraph_characters": Signal(
        "characters in paragraphs that stood before, share", SHARES, lambda f: f("paragraph_characters_again")
    ),
    "repeats_prompt": Signal("the last answer is the request, word for word", YES_OR_NO, _count("repeats_prompt")),
    "echo": Signal("share of the last answer that says the request again first", SHARES, lambda f: _echo()),
    "mojibake": Signal(
        "signs of a wrong encoding, share of characters", (0, 0.001, 0.01, 0.1, 0.5),
        lambda f: share(f("text").str.count_matches(_MOJIBAKE), f("characters")),
    ),
    "says_assistant": Signal(
        "speaks of itself as a model", YES_OR_NO, lambda f: f("text").str.contains(boilerplate.TALK)
    ),
    "names_maker": Signal(
        "says to be somebody's model", YES_OR_NO, lambda f: f("text").str.contains(boilerplate.IDENTITY)
    ),
    "knowledge_cut_off": Signal(
        "speaks of a model's cut-off date", YES_OR_NO, lambda f: f("text").str.contains(boilerplate.CUT_OFF)
    ),
    "pleasantries": Signal(
        "stock closing phrases", FEW, lambda f: f("text").str.count_matches(boilerplate.PLEASANTRIES)
    ),
    "is_cut": Signal(
        "the last answer ends in a mark of truncation", YES_OR_NO, lambda f: pl.col("ending").str.contains(_CUT)
    ),
    "stops_midway": Signal(
        "the last answer ends in a comma, an open bracket or a word that wants another", YES_OR_NO,
        lambda f: pl.col("ending").str.tail(40).str.contains(_MIDWAY),
    ),
    "refuses": Signal(
        "the last answer begins with a set phrase of refusal", YES_OR_NO,
        lambda f: f("text").str.contains(BOILERPLATE), ("ending",),
    ),
    "request_is_unsafe": Signal(
        "the prompt has words of requests that deserve a refusal", YES_OR_NO,
        lambda f: pl.col("prompt").str.contains(UNSAFE_REQUEST), (),
    ),
    "has_tools": Signal("the row defines tools", YES_OR_NO, lambda f: pl.col("has_tools"), ()),
    "turns": Signal("answers in the conversation", FEW, lambda f: pl.col("turns"), ()),
    "answer_to_prompt": Signal(
        "characters of the answer for each of the prompt", RATIOS,
        lambda f: share(pl.col("answer.characters"), pl.col("prompt.characters")), (),
    ),
}  # fmt: skip
"""By name without the field."""

CATEGORIES: Mapping[str, str] = {
    "language": "of the whole row, from ingest (py3langid; see docs/bring-your-data.md)",
    "kind": "natural, code or mixed, from ingest",
    "script": "spaced or unspaced, after the language",
    "verb": "what the instruction asks for (write, translate, ...), null where no verb of the list occurs",
    "side": "train, validation or test",
    "source": "the source's name in the config",
}
"""Columns of words that a rule may compare with: `language = 'zh'`."""


def _named() -> dict[str, tuple[str, Signal]]:
    return {
        (f"{field}_{name}" if field else name): (field, signal)
        for name, signal in TABLE.items()
        for field in (signal.fields or ("",))
    }


FIELDS: Mapping[str, str] = {name: field for name, (field, _) in _named().items()}
SIGNALS: Mapping[str, Signal] = {name: signal for name, (_, signal) in _named().items()}
"""By the name that rules use."""
