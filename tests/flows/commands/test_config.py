"""`tuneloom config`: the schema, or a config as it is understood."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from tests.flows.projects import make_project


def test_the_schema_lists_every_section_with_its_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"sources", "model", "dedup", "train", "release"} <= set(schema["properties"])
    assert schema["properties"]["seed"]["description"]


def test_a_config_is_printed_with_all_its_defaults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", str(make_project(tmp_path, seed=7))]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["seed"], printed["dedup"]["near"]["threshold"]) == (7, 0.8)


def test_neither_of_both_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 2
    assert "--schema" in capsys.readouterr().err
