"""Metrics are found by the file they lie in."""

import sys

import pytest

from tuneloom.evaluate import metrics
from tuneloom.evaluate.metrics import About, load_metrics
from tuneloom.suites import KINDS


def test_every_file_is_a_metric_with_its_direction():
    found = load_metrics()
    assert {"chrf", "corpus_bleu", "exact_match", "gsm8k_strict", "macro_f1", "rouge_l", "squad_f1"} <= found.keys()
    assert {metric.direction for metric in found.values()} == {"higher", "lower"}
    assert {metric.interval for metric in found.values()} == {"share", "mean", "corpus"}
    ways = [(metric.score, metric.measure and metric.combine, metric.across) for metric in found.values()]
    assert all(sum(map(bool, way)) == 1 for way in ways)


def test_a_new_file_is_a_new_metric(tmp_path, monkeypatch):
    (tmp_path / "shortness.py").write_text(
        'DIRECTION = "lower"\nINTERVAL = "mean"\n\ndef score(answer, references):\n    return float(len(answer))\n',
        "utf-8",
    )
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(tmp_path)])
    metric = load_metrics()["shortness"]
    monkeypatch.delitem(sys.modules, f"{metrics.__name__}.shortness")
    assert (metric.direction, metric.score("four", [])) == ("lower", 4.0)


OF_THEIR_OWN = {"code", "constraints", "safety", "bbq", "counterfactual"}
BY_PROGRAM = {metric for kind in OF_THEIR_OWN for metric in KINDS[kind].metrics}


@pytest.mark.parametrize("name", sorted(load_metrics().keys() - BY_PROGRAM))
def test_every_metric_prefers_the_right_answer_and_in_chinese_where_it_is_not_made_for_english(name):
    metric = load_metrics()[name]
    english = [("It is 12 in all. #### 12", "I cannot say")]
    pairs = english if name == "super_ni_rouge_l" else [*english, ("一共十二个。\n#### 12", "我不知道 #### 4")]
    for right, wrong in pairs:
        better, worse = (metric.of(said, [right], About("zh", (right, wrong))).value for said in (right, wrong))
        assert better > worse if metric.direction == "higher" else better < worse
