"""Metrics are found by the file they lie in."""

import sys

import pytest

from tuneloom.evaluate import metrics
from tuneloom.evaluate.metrics import load_metrics


def test_every_file_is_a_metric_with_its_direction():
    found = load_metrics()
    assert list(found) == ["chrf", "exact_match", "rouge_l"]
    assert {metric.direction for metric in found.values()} == {"higher"}


def test_a_new_file_is_a_new_metric(tmp_path, monkeypatch):
    (tmp_path / "shortness.py").write_text(
        'DIRECTION = "lower"\n\ndef score(answer, references):\n    return float(len(answer))\n', "utf-8"
    )
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(tmp_path)])
    metric = load_metrics()["shortness"]
    monkeypatch.delitem(sys.modules, f"{metrics.__name__}.shortness")
    assert (metric.direction, metric.score("four", [])) == ("lower", 4.0)


@pytest.mark.parametrize("name", sorted(load_metrics()))
def test_every_metric_prefers_the_right_answer_in_english_and_chinese(name):
    metric = load_metrics()[name]
    for right, wrong in [("Paris", "I cannot say"), ("巴黎", "我不知道")]:
        better, worse = metric.score(right, ["x", right]), metric.score(wrong, ["x", right])
        assert better > worse if metric.direction == "higher" else better < worse
