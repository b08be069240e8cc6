"""What an instruction asks for."""

import polars as pl
import pytest

from tuneloom.quality.verbs import VERBS, verb


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("Please summarise the text: ...", "summarize"),
        ("请把下面的句子翻译成英文，并解释。", "translate"),
        ("Which is larger?", None),
        ("DESIGN a poster", "generate"),
        ("撰写一篇短文", "write"),
        ("", None),
    ],
)
def test_the_verb_of_a_task_has_one_name_in_both_languages(prompt: str, found: str | None) -> None:
    assert pl.DataFrame({"asked": [prompt]}).select(verb("asked")).item() == found


def test_every_name_is_found_as_itself() -> None:
    found = pl.DataFrame({"asked": VERBS}).select(verb("asked")).to_series().to_list()
    assert found == list(VERBS)
