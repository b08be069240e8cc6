"""Expressions of rules: what they may say, and what they may not whatever it would do."""

import polars as pl
import pytest

from tuneloom.errors import ConfigError
from tuneloom.quality.expressions import FUNCTIONS, check_expression, names_in


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("answer_words / prompt_words", [2.0, 0.5]),
        ("answer_words > 3 AND language = 'zh'", [True, False]),
        ("language IN ('en', 'zh') AND NOT verb IS NULL", [True, False]),
        ("CASE WHEN answer_words > 3 THEN 1 ELSE 0 END", [1, 0]),
        ("greatest(answer_words, 3) - least(2, 1.5e0)", [2.5, 1.5]),
        ("answer_words BETWEEN 1 AND 2 OR verb LIKE 'wri%'", [True, True]),
    ],
)
def test_arithmetic_comparisons_and_a_few_functions(text: str, values: list) -> None:
    rows = pl.DataFrame(
        {"answer_words": [4.0, 1.0], "prompt_words": [2.0, 2.0], "language": ["zh", "fr"], "verb": ["write", None]}
    )
    assert rows.select(value=check_expression(text, "test"))["value"].to_list() == values


@pytest.mark.parametrize(
    "text",
    [
        "read_csv('/etc/passwd')",
        "(SELECT * FROM read_csv('/etc/passwd'))",
        "answer_words IN (SELECT answer_words FROM self)",
        "EXISTS (SELECT 1)",
        "answer_words > AVG(answer_words)",
        "SUM(answer_words) OVER (PARTITION BY language)",
        "row_number() OVER (ORDER BY answer_words)",
        "COLUMNS('.*') > 1",
        "*",
        "answer_words > 1; DROP TABLE x",
        "answer_words > 1 -- and more",
        "/* */ answer_words > 1",
        '"answer_words" > 1',
        "`answer_words` > 1",
        "CAST(answer_words AS VARCHAR)",
        "answer_words::int",
        "answer_words[1]",
        "now()",
        "random() > 0.5",
        "getenv('HOME')",
        "py_udf(answer_words)",
        "repeat('x', 1000000000) = 'y'",
        "(" * 5000 + "answer_words" + ")" * 5000,
        "(" * 40 + "answer_words" + ")" * 40,
        "NOT " * 240 + "true",
        "answer_words" + " + answer_words" * 100,
        "language",
        "language > 3",
        "answer_words = 'many'",
        "answer_words > ",
        "'open",
        "",
        "answer_wörds > 1",
        "\x00",
    ],
)
def test_what_looks_beyond_the_row_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        check_expression(text, "test")


def test_every_function_on_the_list_is_polars_own_and_judges_row_by_row() -> None:
    """Alone and among others a row gets the same value: none of them is an aggregate."""
    calls = {
        "coalesce": "coalesce(verb, 'x') = 'x'", "ends_with": "ends_with(verb, 'e')", "greatest": "greatest(turns, 2)",
        "if": "if(turns > 1, 1, 2)", "least": "least(turns, 2)", "lower": "lower(verb) = 'write'",
        "nullif": "nullif(turns, 2)", "pow": "pow(turns, 2)", "starts_with": "starts_with(verb, 'w')",
        "upper": "upper(verb) = 'WRITE'",
    }  # fmt: skip
    rows = pl.DataFrame({"turns": [1.0, 2.0, 7.5], "verb": ["write", None, "ask"]})
    for name in FUNCTIONS:
        expression = check_expression(calls.get(name, f"{name}(turns)"), "test")
        whole = rows.select(value=expression)
        assert pl.concat([rows[n].select(value=expression) for n in range(3)]).equals(whole), name


def test_a_misspelt_signal_is_answered_with_the_one_meant() -> None:
    with pytest.raises(ConfigError, match="Did you mean `answer_mojibake`"):
        check_expression("answer_mojibak > 0", "test")


def test_names_are_signals_and_categories_not_words_in_quotes() -> None:
    assert names_in("answer_words > 2 AND language = 'turns' OR answer_words < 1") == ["answer_words", "language"]
