"""N-grams: runs of words, of more characters where a script has no spaces."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.text.keys import fold
from tuneloom.text.ngrams import ngrams, sizes
from tuneloom.text.shingles import Words, words


def words_of(*texts: str) -> Words:
    return words(fold(pa.array(texts, pa.large_string()), np.zeros(len(texts), np.uint8)))


def grams_of(*texts: str, length: int = 8) -> list[list[int]]:
    found = ngrams(words_of(*texts), length)
    return [found.values[a:b].tolist() for a, b in zip(found.bounds, found.bounds[1:], strict=False)]


def test_every_run_of_n_words_is_one():
    first, second, short, none = grams_of("a b c d", "b c d a", "a b", "", length=3)
    assert (len(first), len(second), short, none) == (2, 2, [], [])
    assert first[1] == second[0]
    assert len({*first, *second}) == 3


def test_t12_eight_words_of_english_are_twelve_characters_of_chinese():
    text = "一二三四五六七八九十百千"
    assert [len(grams) for grams in grams_of(text, text[:-1], text + "万", "w " * 8, "w " * 7)] == [1, 0, 2, 1, 0]
    assert sizes(words_of(text, "a b c", "", "a 一二三")).tolist() == [8.0, 3.0, 0.0, 3.0]


def test_t12_mixed_text_weighs_both():
    """请 用 python 写 一 个 快 速 排 序 的 java 程 序 weigh 30 thirds of a word: three runs of 24."""
    assert [len(found) for found in grams_of("请用 python 写一个快速排序的 java 程序", "请用 python 写")] == [3, 0]


def test_a_run_has_one_hash_wherever_it_stands_and_whoever_stands_around():
    alone = grams_of("用 numpy 写 一个 矩阵 乘法 的 函数")[0]
    inside = grams_of(
        "Please do this: 用 numpy 写 一个 矩阵 乘法 的 函数 and explain it to me as well as you can, thanks"
    )[0]
    assert alone
    assert {*alone} < {*inside}


def test_t10_numbers_keep_their_value():
    assert not {*grams_of("12 * 7 = ?", length=3)[0]} & {*grams_of("3 * 99 = ?", length=3)[0]}


@given(st.lists(st.sampled_from(["a", "bb", "c3", "是", "的", "1.5"]), max_size=30), st.integers(1, 10))
def test_as_many_different_ones_as_a_python_loop_finds(said, length):
    texts = [" ".join(said), "a " * 40]
    tokens = said

    def run_from(start: int) -> tuple[str, ...] | None:
        weight = 0
        for end in range(start, len(tokens)):
            weight += 3 if tokens[end].isascii() else 2
            if weight >= 3 * length:
                return tuple(tokens[start : end + 1])
        return None

    expected = [run for start in range(len(tokens)) if (run := run_from(start))]
    found = grams_of(*texts, length=length)[0]
    assert len(found) == len(expected)
    assert len({*found}) == len({*expected})
