"""ROUGE-L: the longest common subsequence, in every language, the best of several references."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneloom.evaluate.metrics.rouge_l import score, tokens

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


def test_known_answers():
    assert score("the cat sat", ["the cat ran"]) == pytest.approx(2 / 3)
    assert score("police killed the gunman", ["police kill the gunman"]) == pytest.approx(0.75)  # Lin 2004, unstemmed
    assert score("the gunman kill police", ["police kill the gunman"]) == pytest.approx(0.5)
    assert score("今天天气好", ["今天天气很好"]) == pytest.approx(10 / 11)


@pytest.mark.parametrize(
    "text", ["你好，世界！", "Hello, world", "GPT-4 会说中文", "🎈", "สวัสดี", "Привет, мир", "1 + 1"]
)
def test_a_text_against_itself_is_1_in_every_language(text):
    assert score(text, [text]) == 1.0


def test_the_best_reference_counts_and_not_the_mean_or_any_hit():
    assert score("the cat", ["a dog", "the cat ran", "a"]) == pytest.approx(0.8)
    assert score("x", []) == 0.0


def test_empty_answers():
    assert score("", ["words"]) == 0.0
    assert score("", [""]) == 1.0


def test_tokens_are_words_or_unspaced_characters():
    assert tokens("GPT-4 会说中文") == ["gpt", "4", "会", "说", "中", "文"]


@given(WORDS, WORDS)
def test_it_is_the_textbook_subsequence(a, b):
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    common = table[-1][-1]
    want = 2 * common / (len(a) + len(b)) if a and b else float(a == b)
    assert score(" ".join(a), [" ".join(b)]) == pytest.approx(want)


def test_154_chinese_references_against_themselves(realdata):
    rows = [json.loads(line) for line in (realdata / "zh/belle_zh_seed_tasks.json").read_text("utf-8").splitlines()]
    outputs = [row["instances"][0]["output"] for row in rows if row["instances"][0]["output"].strip()]
    assert len(outputs) > 100
    assert {score(text, [text]) for text in outputs} == {1.0}
