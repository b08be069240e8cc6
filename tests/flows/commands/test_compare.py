"""`tuneloom compare` where there is nothing to compare; what it does stands beside `evaluate` and the runs."""

from pathlib import Path

import pytest

from flows.cli import main
from flows.settings import offline_environment


def test_a_model_that_was_asked_nothing_is_told_how_to_ask_it(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in offline_environment():
        monkeypatch.setenv(name, "")
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(tiny_model), str(tiny_model)]) == 2
    assert "tuneloom evaluate" in capsys.readouterr().err
