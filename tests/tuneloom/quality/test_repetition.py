"""N-grams of words, whatever the script, against counting by hand; runs, lines and paragraphs."""

import re
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.quality.repetition import DUPLICATE, TOP, Repetition, repetition

TEXTS = st.lists(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=40), min_size=1, max_size=4)


def of(*texts: str) -> Repetition:
    """The measures of some texts."""
    return repetition(pa.array(texts, pa.large_string()))


def test_the_commonest_bigram_of_a_loop_holds_the_words_characters() -> None:
    assert of("go now go now or not", "all words differ here").top[0].tolist() == pytest.approx([10 / 15, 0.0])


def test_ngrams_that_stood_before() -> None:
    assert of("a b c d e a b c d e", "a b c", "").duplicate[0].tolist() == pytest.approx([0.5, 0.0, 0.0])


def test_a_chinese_loop_is_seen_without_spaces() -> None:
    assert of("好的" * 6).duplicate[0].tolist() == pytest.approx([10 / 12])


def test_case_does_not_hide_a_loop_and_apostrophes_belong_to_words() -> None:
    said = of("Don't stop don't STOP", "ДА нет Да НЕТ", "'go' go 'go'").top
    assert said[0].tolist() == pytest.approx([1.0, 1.0, 1.0])


@given(TEXTS)
def test_shares_are_what_gophers_counting_gives(texts: list[list[str]]) -> None:
    """datatrove's two loops, over the characters of words."""
    found = of(*(" ".join(words) for words in texts))
    for row, words in enumerate(texts):
        total = max(1, sum(map(len, words)))
        for number, size in enumerate(TOP):
            grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
            times = max(Counter(grams).values(), default=1)
            most = [gram for gram, n in Counter(grams).items() if n == times and times > 1]
            shares = [min(1.0, sum(map(len, gram)) * times / total) for gram in most] or [0.0]
            assert found.top[number, row] in [pytest.approx(share) for share in shares]
        for number, size in enumerate(DUPLICATE):
            assert found.duplicate[number, row] == pytest.approx(repeated(words, size) / total)


def repeated(words: list[str], size: int) -> int:
    """Characters of n-grams seen before, a repeat stepped over."""
    seen, at, characters = set(), 0, 0
    while at < len(words) - size + 1:
        gram = tuple(words[at : at + size])
        if gram in seen:
            characters, at = characters + sum(map(len, gram)), at + size
        else:
            seen.add(gram)
            at += 1
    return characters


@given(st.lists(st.text("ab你 \n", max_size=60), min_size=1, max_size=4))
def test_runs_of_characters_are_counted_as_data_juicer_counts_them(texts: list[str]) -> None:
    for text, share in zip(texts, of(*texts).characters.tolist(), strict=True):
        counts = sorted(Counter(text[at : at + 10] for at in range(len(text) - 9)).values(), reverse=True)
        most = min(int(len(counts) ** 0.5), sum(count > 1 for count in counts))
        assert share == pytest.approx(sum(counts[:most]) / max(1, sum(counts)))


@given(TEXTS)
def test_runs_of_words_are_counted_as_data_juicer_counts_them(texts: list[list[str]]) -> None:
    found = of(*(" ".join(words) for words in texts)).words.tolist()
    for words, share in zip(texts, found, strict=True):
        counts = Counter(tuple(words[at : at + 10]) for at in range(len(words) - 9)).values()
        assert share == pytest.approx(sum(count for count in counts if count > 1) / max(1, sum(counts)))


@given(
    st.lists(st.lists(st.sampled_from(["", " ", "a", "bc ", "好"]), max_size=12).map("\n".join), min_size=1, max_size=4)
)
def test_lines_and_paragraphs_that_stood_before(texts: list[str]) -> None:
    units = of(*texts).units
    for row, text in enumerate(texts):
        for number, parts in enumerate((text.split("\n"), re.split(r"\n[ \t\r]*(?=\n)", text))):
            said = [part.strip() for part in parts if part.strip()]
            again = [part for at, part in enumerate(said) if part in said[:at]]
            assert units[number, row] == pytest.approx(len(again) / max(1, len(said)))
            assert units[2 + number, row] == pytest.approx(sum(map(len, again)) / max(1, sum(map(len, said))))
