"""Each signal by a known answer."""

import polars as pl
import pytest

from tests.rows import chat
from tests.tuneloom.quality.judged import table
from tuneloom.quality.frame import text_frame
from tuneloom.quality.signals import SIGNALS, histograms, measure


def signals(prompt: str, answer: str, **more: object) -> dict[str, float]:
    """The signals of one exchange."""
    (row,) = measure(text_frame(table([chat(prompt, answer, **more)]))).to_dicts()
    return row


@pytest.mark.parametrize(
    ("signal", "answer", "value"),
    [
        ("answer_characters", "你好 all", 6),
        ("answer_words", "你好 all of it's", 5),
        ("answer_alphanumeric", "ab1 ---", 0.5),
        ("answer_letters", "ab1 ---", 2 / 6),
        ("answer_word_length", "abcd ef", 3),
        ("answer_word_length", "see https://example.org/a/very/long/path now", 3),
        ("answer_duplicate_lines", "same\nother\n same ", 4 / 13),
        ("answer_top_4gram", "a b c d a b c d", 0.4),
        ("answer_duplicate_10grams", "no loop", 0),
        ("answer_repeats_prompt", "what?", 0),
        ("answer_repeats_prompt", " Say\n it ", 1),
        ("ending_refuses", "抱歉，我无法回答这个问题。", 1),
        ("answer_open_fence", "```python\nx = 1", 1),
        ("answer_open_fence", "```python\nx = 1\n```", 0),
        ("answer_is_cut", "and so it went [truncated]", 1),
        ("answer_is_cut", "未完待续是一种写法", 0),
        ("answer_mojibake", "PokÃ©mon!", 1 / 9),
    ],
)
def test_a_signal_measures_what_its_name_says(signal: str, answer: str, value: float) -> None:
    assert signals("Say it", answer)[signal] == pytest.approx(value)


def test_the_bare_instruction_counts_as_the_prompt_but_the_input_may_be_right_already() -> None:
    fields = {"instruction": "Mend it.", "input": "He goes."}
    assert signals("Mend it.\nHe goes.", "Mend it.", fields=fields)["answer_repeats_prompt"] == 1
    assert signals("Mend it.\nHe goes.", "He goes.", fields=fields)["answer_repeats_prompt"] == 0


def test_every_signal_has_a_value_for_every_text() -> None:
    frame = measure(text_frame(table([chat("", ""), chat("你好", "\n\n"), chat("x" * 5000, "```")])))
    assert frame.columns == list(SIGNALS)
    assert frame.null_count().row(0) == (0,) * len(SIGNALS)
    assert not frame.select(pl.any_horizontal(pl.all().is_nan().any())).item()


def test_histograms_of_parts_add_up_to_that_of_the_whole() -> None:
    rows = [chat("q" * n, "a " * (3 * n)) for n in range(20)]
    whole = measure(text_frame(table(rows)))
    parts = [histograms(whole[:7]), histograms(whole[7:])]
    told = histograms(whole)
    assert told["answer_words"] == [a + b for a, b in zip(*(part["answer_words"] for part in parts), strict=True)]
    assert all(sum(counts) == 20 for counts in told.values())
    assert told["prompt_characters"][:4] == [1, 1, 2, 4]
