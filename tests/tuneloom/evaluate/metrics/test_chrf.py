"""chrF: sacrebleu's own numbers."""

import pytest
from sacrebleu.metrics import CHRF

from tuneloom.evaluate.metrics.chrf import score

PAIRS = [("the cat sat", "the cat ran"), ("今天天气好", "今天天气很好"), ("", "words"), ("a", "b")]


@pytest.mark.parametrize(("answer", "reference"), PAIRS)
def test_it_equals_its_source(answer, reference):
    assert score(answer, [reference]) == pytest.approx(CHRF().sentence_score(answer, [reference]).score, abs=1e-6)


def test_a_text_against_itself_is_100_and_the_best_reference_counts():
    assert score("我很好，谢谢。", ["我很好，谢谢。"]) == pytest.approx(100)
    assert score("the cat", ["a dog", "the cat"]) == pytest.approx(100)
    assert score("the cat", []) == 0.0
