"""`tuneloom evaluate`: a model scored, against another, kept; and what a wrong call is told."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.settings import offline_environment

SUITE = "kind: translation\nlanguage: zh\nmetrics: [chrf, words]\nmax_new_tokens: 2\n"
SUITE += "rows: [{prompt: Hi, answer: 你好}]\n"
METRIC = 'DIRECTION = "lower"\nINTERVAL = "mean"\n\n\ndef score(answer, references):\n    return len(answer.split())\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a suite and a metric of the user's; the command's variables end with the test."""
    for name in offline_environment():
        monkeypatch.setenv(name, "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "greet.yaml").write_text(SUITE, "utf-8")
    (tmp_path / "words.py").write_text(METRIC, "utf-8")
    return tmp_path


def test_a_models_scores_are_kept_and_a_second_call_asks_nothing(here: Path, tiny_model: Path, capsys) -> None:
    call = ["evaluate", str(tiny_model), "--suite", "./greet.yaml", "--plugin", "words.py"]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "greet: 1 items, tells differences from" in said
    assert "greet.words" in said
    assert "1 scores kept in" in said
    assert "0 of them known before" in said
    assert main([*call, "--baseline", str(tiny_model), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["metric"] for one in told["differences"]] == ["greet.chrf", "greet.words"]
    assert {one["outcome"] for one in told["differences"]} == {"undecided"}  # itself is never better
    assert main(["compare", str(tiny_model), str(tiny_model)]) == 0
    said = capsys.readouterr().out
    assert "differences are A less B" in said
    assert "comparison.md" in said


def test_a_wrong_call_is_told_before_any_model_is_opened(here: Path, tiny_model: Path, capsys) -> None:
    assert main(["evaluate", str(tiny_model), "--suite", "mood_eng"]) == 2
    assert "mood_en" in capsys.readouterr().err
    assert main(["evaluate", str(tiny_model)]) == 2
    assert "--suite" in capsys.readouterr().err
    assert main(["evaluate", "models:/nobody@champion", "--suite", "mood_en"]) == 2
    assert "no model is registered yet" in capsys.readouterr().err
