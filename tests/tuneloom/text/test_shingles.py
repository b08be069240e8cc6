"""Shingles: words for spaced scripts, characters for the others, nothing lost."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.text.keys import fold
from tuneloom.text.shingles import WIDTH, Shingles, joined, shingles, words


def sets_of(*texts: str, code: bool = False, seed: int = 0) -> list[set[int]]:
    flags = np.full(len(texts), code, np.uint8)
    found = shingles(fold(pa.array(texts, pa.large_string()), flags), flags, seed=seed)
    return [set(found.values[a:b].tolist()) for a, b in zip(found.bounds, found.bounds[1:], strict=False)]


def shared(left: str, right: str, code: bool = False) -> tuple[int, int]:
    """(shingles in both, shingles in either)"""
    a, b = sets_of(left, right, code=code)
    return len(a & b), len(a | b)


def test_five_words_make_a_shingle():
    assert [len(found) for found in sets_of("a b c d", "a b c d e", "a b c d e f", "a b c d e f g")] == [1, 1, 2, 3]
    assert shared("a b c d e f", "x b c d e f") == (1, 3)


def test_t12_chinese_is_shingled_by_characters():
    assert [len(found) for found in sets_of("一二三四五", "一二三四五六", "一二三四五六七八")] == [1, 2, 4]
    assert shared("把下面的句子翻译成英文", "把下面的句子翻译成法文") == (5, 9)
    assert shared("今天天气很好", "今天 天气，很好！") == (2, 2)


def test_t12_kana_thai_lao_khmer_and_myanmar_too():
    for text in ("ありがとうございます", "ขอบคุณมากครับ", "ຂອບໃຈຫຼາຍໆ", "អរគុណច្រើន", "ကျေးဇူးတင်ပါတယ်"):
        folded = fold(pa.array([text], pa.large_string()), np.zeros(1, np.uint8))[0].as_py()  # NFKC splits Thai am
        windows = {folded[i : i + WIDTH] for i in range(len(folded) - WIDTH + 1)}
        assert len(sets_of(text)[0]) == len(windows) > 1


def test_hangul_and_devanagari_have_words():
    assert len(sets_of("나는 오늘 학교에 갔다 왔어요 정말")[0]) == 2
    assert len(sets_of("मैं आज स्कूल गया था यार")[0]) == 2


def test_mixed_text_runs_over_both():
    # 请 用 python 写 一 个 快 速 排 序: 6 runs of five, the first 3 of them with the name
    assert shared("请用 Python 写一个快速排序", "请用 Java 写一个快速排序") == (3, 9)


def test_t1_a_short_text_is_its_own_shingle():
    texts = ["", "yes", "no", "yes no", "no yes", "是", "否", "a b c d", "?"]
    found = sets_of(*texts)
    assert all(len(one) == 1 for one in found)
    assert len(set.union(*found)) == len(texts)
    assert sets_of("Yes.") == sets_of("yes")


def test_code_words_are_names_signs_and_indentation():
    assert (
        shared("f(a, b)\n  g(c)", "f(a, b)\ng(c)", code=True)[0]
        < shared("f(a, b)\n  g(c)", "f(a,b)\n  g(c)", code=True)[0]
    )
    assert shared("f(a, b)", "f(a,  b)", code=True) == (2, 2)
    assert shared("x = A + b * c", "x = a + b * c", code=True)[0] < 3


def test_seeds_never_meet():
    assert sets_of("a b c d e f", seed=1)[0].isdisjoint(sets_of("a b c d e f", seed=2)[0])


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "1", "2.5", "中", "文", "ก"]), max_size=30)


@settings(deadline=None, max_examples=200)
@given(WORDS)
def test_the_set_is_that_of_a_plain_implementation(words: list[str]):
    """Counts of distinct windows agree with Python's, word by word."""
    windows = {tuple(words[i : i + WIDTH]) for i in range(max(1, len(words) - WIDTH + 1))}
    assert len(sets_of(" ".join(words))[0]) == len(windows)


@settings(deadline=None, max_examples=50)
@given(st.lists(WORDS, max_size=6))
def test_sets_are_sorted_without_repeats_and_keep_what_the_sequence_has(rows: list[list[str]]):
    texts = pa.array([" ".join(words) for words in rows], pa.large_string())
    code = np.zeros(len(texts), np.uint8)
    folded = fold(texts, code)
    plain, sets = shingles(folded, code, as_sets=False), shingles(folded, code)
    for row in range(len(texts)):
        sequence = plain.values[plain.bounds[row] : plain.bounds[row + 1]]
        found = sets.values[sets.bounds[row] : sets.bounds[row + 1]]
        assert found.tolist() == sorted(set(sequence.tolist()))


def test_joined_pieces_are_one_after_the_other():
    pieces = [
        Shingles(np.array([0, 2, 3]), np.array([1, 2, 3], np.uint64)),
        Shingles(np.array([0, 1]), np.array([9], np.uint64)),
    ]
    whole = joined(pieces)
    assert whole.bounds.tolist() == [0, 2, 3, 4]
    assert whole.values.tolist() == [1, 2, 3, 9]
    assert len(joined([])) == 0


def test_words_are_what_stands_between_spaces_or_one_character_of_an_unspaced_script():
    found = words(pa.array(["用python 写", "", "python a a"], pa.large_string()))
    assert found.bounds.tolist() == [0, 3, 3, 6]
    assert found.unspaced.tolist() == [1, 0, 1, 0, 0, 0]
    assert found.hashes[1] == found.hashes[3]
    assert found.hashes[4] == found.hashes[5]
    assert len(set(found.hashes.tolist())) == 4
