"""Plain columns: which of a file's names are the prompt, the answer and the fields."""

import pytest

from tuneloom.ingest.formats import formats
from tuneloom.ingest.plain import Columns, Plain

_ALPACA = Plain(
    prompt=(("instruction",), ("input",)),
    answer=("output", "response"),
    fields={"instruction": (("instruction",),), "input": (("input",),)},
    given=("input",),
)


def test_columns_stand_in_the_order_of_the_words_and_fields_by_name() -> None:
    assert _ALPACA.columns(["response", "input", "instruction"]) == Columns(
        ("instruction", "input", "response"), {"answer": (2,), "input": (1,), "instruction": (0,)}, frozenset([1])
    )
    assert _ALPACA.columns(["output", "instruction"]) == Columns(
        ("instruction", "output"), {"answer": (1,), "instruction": (0,)}, frozenset()
    )


@pytest.mark.parametrize(
    "names", [["instruction"], ["output"], ["instruction", "output", "response"], ["instruction", "output", "id"], []]
)
def test_other_names_are_not_plain(names: list[str]) -> None:
    assert _ALPACA.columns(names) is None


def test_a_field_is_made_of_columns_that_lie_side_by_side_in_the_prompt() -> None:
    for module in formats().values():
        if plain := getattr(module, "PLAIN", None):
            for parts in plain.fields.values():
                first = plain.prompt.index(parts[0])
                assert plain.prompt[first : first + len(parts)] == parts
