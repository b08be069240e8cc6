"""What the compiled pass counts, by known answers and against Python's own strings."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.quality import counts
from tuneloom.quality import repetition as repetition_module
from tuneloom.quality.counts import STOP_WORDS, Counts, count, same_text
from tuneloom.quality.repetition import repetition


def of(*texts: str) -> Counts:
    """Counts of some texts."""
    return count(pa.array(texts, pa.large_string()))


@pytest.mark.parametrize(
    ("what", "text", "number"),
    [
        ("words", "don't 吃饭, snake_case 3rd", 5),
        ("words", "’tis 'so'", 2),
        ("letters", "naïve Straße 好", 12),
        ("digits", "1 Ⅳ ３", 3),
        ("unspaced", "吃饭 ok ですไทย", 7),
        ("longest_run", "nooooo ------", 5),
        ("parentheses", "(a) (b", 3),
        ("chunks", "see https://example.org/a now", 2),
        ("chunk_characters", "see https://example.org/a now", 6),
        ("lettered_chunks", "1 + x = 2a", 2),
        ("stop_words", "The cat and the dog, that have to be with OF theory", 8),
        ("stop_words", "there bee offal", 0),
        ("ellipses", "well... so…. #1 a.b", 3),
        ("links", "(https://a.b/c) www.d.e, h", 22),
        ("tags", '<b>x</b> a < b > c, List<int> <a href="x">', 19),
        ("lines", "a\n\n  \nb", 2),
        ("longest_line", "ab\n好好好", 3),
        ("short_lines", "short\n" + "x" * 30, 1),
        ("bullets", "- a\n* b\n• c\n-d\n+ e", 4),
        ("trailing", "and so...\nyes…\nno.", 2),
        ("stopped", "Yes.\n好。\nno\n“so”", 3),
        ("fences", "```py\nx = `1`\n  ```", 2),
    ],
)
def test_a_count_by_hand(what: str, text: str, number: int) -> None:
    assert getattr(of(text), what).tolist() == [number]


@given(st.lists(st.text(max_size=30), max_size=5))
def test_characters_words_and_lines_are_those_that_python_sees(texts: list[str]) -> None:
    counts = of(*texts)
    assert counts.characters.tolist() == [len(text) for text in texts]
    assert counts.lines.tolist() == [sum(bool(line.strip(" \t\v\f\r")) for line in t.split("\n")) for t in texts]
    parts = counts.letters + counts.digits + counts.spaces
    assert (parts <= counts.characters).all()


@given(st.text("abZ0_' \né好の", max_size=40))
def test_words_are_those_of_the_pattern(text: str) -> None:
    pattern = r"[好の]|[abZé0_]+(?:['’][abZé0][abZé0_]*)*"
    assert of(text).words.tolist() == [len(re.findall(pattern, text))]


def test_a_slice_is_counted_as_its_texts_are() -> None:
    texts = pa.array(["a b", "好 c.", "```"], pa.large_string())
    whole, part = count(texts), count(texts.slice(1))
    assert [values[1:].tolist() for values in whole] == [values.tolist() for values in part]


def test_there_are_eight_stop_words() -> None:
    assert len(STOP_WORDS) == 8


def test_each_kernel_compiles_once_whatever_it_is_called_with() -> None:
    """A second specialisation costs seconds of the first run."""
    for texts in (["Ab c d"], [], ["x", "中文"], ["a b", "c"]):
        array = pa.array(texts, pa.large_string()).slice(len(texts) // 2)
        count(array)
        repetition(array)
        same_text(array, array)
    for module in (counts, repetition_module):
        kernels = {name: one.signatures for name, one in vars(module).items() if hasattr(one, "signatures")}
        assert {name for name, signatures in kernels.items() if len(signatures) > 1} == set()


@given(st.text("ab \n\u3000", max_size=12), st.text("ab \n\u3000", max_size=12))
def test_texts_are_the_same_but_for_white_space(one: str, other: str) -> None:
    same = same_text(pa.array([one], pa.large_string()), pa.array([other], pa.large_string()))
    assert same.tolist() == [" ".join(one.split()) == " ".join(other.split())]
