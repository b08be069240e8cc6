"""N-grams of words, whatever the script."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.quality.repetition import WORD, duplicate_ngrams, top_ngram


def test_the_commonest_bigram_of_a_loop() -> None:
    texts = pl.Series(["go now go now go now", "all words differ here"])
    assert top_ngram(texts, 2).to_list() == pytest.approx([0.6, 0.0])


def test_ngrams_that_stood_before() -> None:
    assert duplicate_ngrams(pl.Series(["a b a b a", "a", ""]), 2).to_list() == pytest.approx([0.5, 0.0, 0.0])


def test_a_chinese_loop_is_seen_without_spaces() -> None:
    assert duplicate_ngrams(pl.Series(["好的好的好的好的好的好的"]), 4).to_list() == pytest.approx([1 - 2 / 9])


def test_words_are_signs_in_chinese_and_words_in_english() -> None:
    words = pl.Series(["don't 吃饭, snake_case 3rd"]).str.extract_all(WORD).to_list()
    assert words == [["don't", "吃", "饭", "snake_case", "3rd"]]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=12), min_size=1, max_size=5), st.integers(1, 4))
def test_both_shares_are_what_counting_by_hand_gives(texts: list[list[str]], size: int) -> None:
    series = pl.Series([" ".join(words) for words in texts], dtype=pl.String)
    grams = [[tuple(words[n : n + size]) for n in range(len(words) - size + 1)] for words in texts]
    duplicates = [1 - len(set(g)) / len(g) if g else 0.0 for g in grams]
    tops = [max(map(g.count, g)) / len(g) if g and max(map(g.count, g)) > 1 else 0.0 for g in grams]
    assert duplicate_ngrams(series, size).to_list() == pytest.approx(duplicates)
    assert top_ngram(series, size).to_list() == pytest.approx(tops)
