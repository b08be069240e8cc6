"""Expressions of SQL over the signals, as rules and what-if questions write them, and the fence around them.

polars reads SQL, which can name functions that look beyond a row (aggregates, windows), a subquery, the clock. A rule
may not: its word on a row must depend on that row alone, whatever part of the data it lies in, and on no file. So each
word of the text must be a signal, a category, or on the short list here; all else is refused, whatever it does.
"""

import difflib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tuneloom.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

LONGEST = 1_000
"""Characters of an expression."""
DEEPEST = 20
"""Brackets within one another."""
FUNCTIONS = (
    "abs", "ceil", "coalesce", "ends_with", "exp", "floor", "greatest", "if", "least", "ln", "log10", "lower", "nullif",
    "pow", "round", "sign", "sqrt", "starts_with", "upper",
)  # fmt: skip
KEYWORDS = (
    "and", "or", "not", "in", "between", "is", "null", "like", "ilike", "case", "when", "then", "else", "end", "true",
    "false",
)  # fmt: skip

_TOKEN = re.compile(r"""\s+|'(?:[^']|'')*'|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|[^\W\d]\w*|<=|>=|<>|!=|[-+*/%=<>(),]""")


def check_expression(text: str, where: str, *, result: str = "a number") -> "pl.Expr":
    """The expression that `text` is, over `SIGNALS` and `CATEGORIES`: "answer_words / 2 > prompt_words".

    `result`: "a number" (yes and no count as 1 and 0), or "yes or no". Raises ConfigError with the place and a remedy.
    """
    import polars as pl

    words, calls = _words(text, where)
    known = _columns()
    for word in words:
        if word not in known and word.lower() not in KEYWORDS:
            raise _unknown(word, text, where, list(known))
    for call in calls:
        if call.lower() not in FUNCTIONS:
            raise ConfigError(
                f"{text!r} calls {call!r}, which rules may not",
                where=where,
                remedy=f"Functions: {', '.join(FUNCTIONS)}.",
            )
    try:
        expression = pl.sql_expr(text)
        kind = pl.DataFrame(schema=known).select(expression.alias("value")).schema["value"]
    except (pl.exceptions.PolarsError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"{text!r} is no expression of SQL: {reason}",
            where=where,
            remedy="Mend it; texts stand in 'single quotes'.",
        ) from None
    if kind != pl.Boolean and (result == "yes or no" or not kind.is_numeric()):
        raise ConfigError(f"{text!r} gives {kind}, not {result}", where=where, remedy="Compare it, as in `a > 0.5`.")
    return expression


def names_in(text: str) -> list[str]:
    """The signals and categories of a checked expression: "a > 2 * b" -> ["a", "b"]."""
    words, _ = _words(text, "")
    return [word for word in dict.fromkeys(words) if word in _columns()]


def _words(text: str, where: str) -> tuple[list[str], list[str]]:
    """Names that stand alone, and names that are called, left to right."""
    if len(text) > LONGEST:
        raise ConfigError(f"an expression of {len(text)} characters", where=where, remedy=f"At most {LONGEST}.")
    tokens: list[str] = []
    at = depth = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise ConfigError(f"{text!r}: {text[at]!r} is not understood there", where=where, remedy="Leave it out.")
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > DEEPEST:
            raise ConfigError(f"more than {DEEPEST} brackets within one another", where=where, remedy="Use fewer.")
        if tokens and tokens[-1] + found[0] in ("--", "/*"):
            raise ConfigError(f"{text!r} holds a comment of SQL", where=where, remedy="Leave it out.")
        tokens.append(found[0])
        at = found.end()
    tokens = [token for token in tokens if not token.isspace()]
    if not tokens:
        raise ConfigError("an expression is empty", where=where, remedy="Write one, or leave the key out.")
    alone: list[str] = []
    called: list[str] = []
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token[0].isalpha() or token[0] == "_":
            (called if following == "(" and token.lower() not in KEYWORDS else alone).append(token)
    return alone, called


def _columns() -> dict[str, "type[pl.DataType]"]:
    import polars as pl

    from tuneloom.quality.signals import CATEGORIES, SIGNALS

    return {**dict.fromkeys(SIGNALS, pl.Float64), **dict.fromkeys(CATEGORIES, pl.String)}


def _unknown(word: str, text: str, where: str, known: Sequence[str]) -> ConfigError:
    from tuneloom.quality.signals import TABLE

    field, _, name = word.partition("_")
    if name in TABLE and field in ("prompt", "answer", "ending"):
        fields = ", ".join(f"{valid}_{name}" for valid in TABLE[name].fields) or name
        return ConfigError(
            f"{text!r}: {name} is not measured of the {field}", where=where, remedy=f"Measured is {fields}."
        )
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    cure = f"Did you mean `{close[0]}`?" if close else f"Signals: {', '.join(known)}."
    return ConfigError(f"{text!r} uses {word!r}, which is no signal", where=where, remedy=cure)
