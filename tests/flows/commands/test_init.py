"""`tuneloom init`: from a folder to a config that loads and runs, with what it could not use."""

import json
import os
from pathlib import Path

import pytest
import yaml

from flows.cli import main
from flows.project import plan_to_run
from tests.flows.projects import ROWS, options, run_data_stages
from tuneloom.config_file import load_config
from tuneloom.ingest.discover import discover


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as people have them; the caller sits beside it."""
    data = tmp_path / "my data"
    for folder in ("pairs", "asked"):
        (data / folder).mkdir(parents=True)
    (data / "pairs" / "a.json").write_text(json.dumps(ROWS))
    (data / "pairs" / "b.json").write_text(json.dumps(ROWS[:5]))
    (data / "pairs" / "README.md").write_text("# Pairs\n\nLicense: MIT\n")
    (data / "asked" / "q.jsonl").write_text('{"messages": [{"role": "user", "content": "Why is the sky blue?"}]}\n')
    (data / "odd.jsonl").write_text('{"text": "no pair"}\n')
    monkeypatch.chdir(tmp_path)
    return data


def test_the_config_loads_and_runs(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(data)]) == 0
    told = capsys.readouterr().out
    config = load_config(tmp_path / "tuneloom.yaml")
    assert [(source.name, source.path, source.use, source.license) for source in config.sources] == [
        ("asked", "my data/asked/q.jsonl", "decontaminate", None),
        ("pairs", "my data/pairs/*.json", "train", "MIT"),
    ]
    assert "not used  odd.jsonl: 1 unknown format: map them with `columns`, or add a plugin; keys: text" in told
    assert "no data   pairs/README.md" in told
    assert "licence" not in told  # pairs say theirs, and what never trains needs none
    (data / "pairs" / "README.md").unlink()
    assert main(["init", str(data), "--out", "other.yaml"]) == 0
    assert "licence   none is stated for pairs: name it in the config" in capsys.readouterr().out
    tree = yaml.safe_load((tmp_path / "tuneloom.yaml").read_text())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "model.safetensors").write_text("weights")
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({**tree, "model": "model"}))
    made = run_data_stages(plan_to_run(options(config=tmp_path / "run.yaml"), print))
    counts = made["ingest"].manifest.counts
    assert (counts.rows_in, counts.rows_out, counts.rejected) == (39, 38, 1)


def test_one_object_tells_all(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(data), "--out", "my data/config.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["config"] == "my data/config.yaml"
    pairs = told["sources"][1]
    assert (pairs["name"], pairs["rows"], pairs["format"]) == ("pairs", 38, "alpaca")
    first = pairs["files"][0]
    assert (first["file"], first["rows"], first["count"], first["kept"]) == ("pairs/a.json", 33, "exact", 32)
    assert first["reasons"] == {"empty answer": 1}
    assert sum(first["languages"].values()) == 32
    assert told["unused"][0]["file"] == "odd.jsonl"
    assert load_config(data / "config.yaml").sources[1].path == "pairs/*.json"


def test_a_config_that_is_there_stays(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tuneloom.yaml").write_text("mine")
    assert main(["init", str(data)]) == 2
    assert "there already" in capsys.readouterr().err
    assert (tmp_path / "tuneloom.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["nowhere"], 2, "no folder nowhere"),
        (["my data", "--out", "no/where.yaml"], 2, "no folder no"),
        (["my data/odd.jsonl"], 3, "keys: text"),
        (["empty"], 2, "matches nothing"),
    ],
)
def test_what_gives_no_config_is_said(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["init", *arguments]) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "tuneloom.yaml").exists()


def test_names_that_are_no_text_are_told_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / os.fsdecode(b"\xe9.jsonl")).write_text('{"instruction": "Hi", "output": "Hello"}\n')
    monkeypatch.chdir(tmp_path)
    assert main(["init", str(folder), "--json"]) == 0
    told = json.loads(capsysbinary.readouterr().out)
    assert os.fsencode(told["sources"][0]["path"]) == os.fsencode(folder / os.fsdecode(b"\xe9.jsonl"))
    config = load_config(tmp_path / "tuneloom.yaml")
    config.model_dump_json().encode("utf-8")  # as a run is recorded
    assert [file.relative for file in discover(config.sources[0], tmp_path)] == ["caf\\xe9/\\xe9.jsonl"]
