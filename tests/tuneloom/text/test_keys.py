"""Keys: what makes two texts the same, and what must not."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneloom.text.keys import combined, fold, key_hashes, mixed


def key(*texts: str, code: bool = False) -> list[str]:
    array = pa.array(texts, pa.large_string())
    return fold(array, np.full(len(texts), code, np.uint8)).to_pylist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello,  World!", "hello world"),
        ("  spaced\tout\n\nlines ", "spaced out lines"),
        ("Don't “quote” it…", "don t quote it"),
        ("你好， 世界。", "你好世界"),
        ("用 Python 写", "用python写"),
        ("สวัสดี ครับ", "สวัสดีครับ"),
        ("안녕 하세요", "안녕 하세요"),
        ("Straße STRASSE", "strasse strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("C++ vs. C#", "c++ vs c#"),
        ("", ""),
        ("   ", ""),
    ],
)
def test_known_keys(text: str, expected: str):
    assert key(text) == [expected]


def test_t10_numbers_keep_their_value():
    listed = "5 -5 .5 0.5 50 5% 5.0 1,000 1000 12:30 1230 3*4 3/4 3+4 3-4 34 2² 22 1½ 11/2 x^2 x2 5–7 57 $5"
    values = listed.split(" ")
    assert len(set(key(*values))) == len(values)
    assert key("12 * 7 = ?") != key("12 / 7 = ?")
    assert key("12*7=?") != key("3*99=?")
    assert key("the answer is 5.") == key("The answer is 5")
    assert key("٣٤") == key("34")


def test_t11_unicode_forms_meet_and_letters_stay_apart():
    assert key("ＡＢＣ１２３") == key("abc123")
    assert key("ze\u200bro\ufeff wid\u00adth") == key("zero width")
    assert key("cafe\u0301") == key("café")
    assert key("café") != key("cafe")
    assert key("が") != key("か")
    assert key("한") == key(unicodedata.normalize("NFD", "한"))
    assert key("bell\x07") == key("bell")


def test_t1_text_of_nothing_but_punctuation_keeps_it():
    assert key("???", "!!!", ":)", ":(") == ["???", "!!!", ":)", ":("]


def test_code_keeps_case_punctuation_and_indentation():
    assert key("def F(x):\r\n\tif x:  \n\n\t\treturn X\n", code=True) == ["def F(x):\n\tif x:\n\t\treturn X"]
    different = ["if x:\n  a()\n  b()", "if x:\n  a()\nb()", "if X:\n  a()\n  b()", "if x:\n  a[]\n  b()"]
    assert len(set(key(*different, code=True))) == len(different)
    assert key("  indented", code=True) == ["  indented"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(max_size=40), max_size=5), st.booleans())
def test_a_key_is_its_own_key(texts: list[str], code: bool):
    once = key(*texts, code=code)
    assert key(*once, code=code) == once


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="aB1 .,中文が-é²\n\u200b", max_size=30))
def test_a_key_ignores_case_spaces_and_invisible_characters(text: str):
    assert key(text) == key(text.upper().lower() if "ß" not in text else text)
    assert key(text) == key(f"\ufeff  {text}\u200b ")
    assert key(text) == key(text.replace(" ", "\n  "))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=20), st.data())
def test_a_key_does_not_depend_on_the_texts_beside_it(texts: list[str], data: st.DataObject):
    at = data.draw(st.integers(0, len(texts) - 1))
    assert key(*texts)[at] == key(texts[at])[0]


def test_hashes_are_pinned():
    """They may not change with a version of numba, numpy or Python: artifacts would no longer meet."""
    hashes = key_hashes(pa.array(["", "a", "hello world", "你好世界"], pa.large_string()))
    assert [f"{high:016x}{low:016x}" for low, high in hashes.tolist()] == [
        "9ae16a3b2f90404fe17a40ea230da08a",
        "b2aa19d9e3038065cd25624509601c95",
        "4bd5f5995e1765cd1aec292355b3e615",
        "13a13518b91dcffe250bab57b8d4e7d0",
    ]


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), unique=True, max_size=50))
def test_different_texts_have_different_hashes(texts: list[str]):
    hashes = key_hashes(pa.array(texts, pa.large_string()))
    assert len({tuple(row) for row in hashes.tolist()}) == len(texts)
    assert len(set(hashes[:, 0].tolist())) == len(texts)


def test_similar_short_texts_do_not_collide():
    texts = [f"{a}{b}{c}" for a in "abcdefghij" for b in range(100) for c in ("", "x", "xx", "\0")]
    hashes = key_hashes(pa.array(texts, pa.large_string()))
    assert len(np.unique(hashes[:, 0])) == len(np.unique(hashes[:, 1])) == len(texts)


def test_combining_keys_minds_their_order():
    a, b = key_hashes(pa.array(["a", "b"], pa.large_string()))[:, None, :]
    assert not np.array_equal(combined(a, b), combined(b, a))
    assert not np.array_equal(combined(a, b), combined(a))


def test_mixing_is_a_bijection_that_the_seed_changes():
    numbers = np.arange(10_000, dtype=np.uint64)
    assert len(np.unique(mixed(numbers))) == len(numbers)
    assert not (mixed(numbers, 1) == mixed(numbers, 2)).any()
