"""`tuneloom export`: rows and rejects of a stage as files, and what it refuses."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from flows.project import plan_to_run
from tests.flows.projects import make_project, options, run_data_stages


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose data stages ran, seen from its folder."""
    config = make_project(tmp_path)
    run_data_stages(plan_to_run(options(config=config), print))
    monkeypatch.chdir(tmp_path)
    return config


def exported(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["export", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_rows_of_the_last_stage_that_ran_lie_here(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = exported(capsys, str(config))
    assert told == {
        "path": "config-split.jsonl", "stage": "split", "rows": 31, "card": "config-split.README.md",
        "files": told["files"],
    }  # fmt: skip
    assert sum(file["rows"] for file in told["files"]) == 31
    assert {file["side"]: file["path"] for file in told["files"]}["train"] == "config-split.jsonl"
    rows = [json.loads(line) for line in Path("config-split.jsonl").read_text().splitlines()]
    assert {row["side"] for row in rows} == {"train"}
    assert exported(capsys, str(config), "--stage", "ingest", "--to", "parquet")["rows"] == 32


def test_rejects_lie_with_their_reasons_beside(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = exported(capsys, str(config), "--rejected", "--out", "bad.jsonl")
    files = [{"path": "bad.jsonl", "rows": 1, "rejects": 1}]
    assert told == {"path": "bad.jsonl", "stage": "ingest", "rows": 1, "rejects": 1, "files": files}
    assert json.loads(Path("bad.jsonl").read_text()) == {"instruction": "Say nothing", "input": "", "output": ""}
    told = exported(capsys, str(config), "--rejected", "--stage", "dedup")
    assert (told["path"], told["rows"]) == ("config-dedup-rejected.jsonl", 1)


def test_that_nothing_is_masked_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(config), "--rejected"]) == 0
    told = capsys.readouterr().out
    assert "not masked" in told
    assert "config-ingest-rejected.jsonl.reasons.csv" in told


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--stage", "render"], 2, "export mixture"),
        (["--stage", "train", "--rejected"], 2, "Stages: ingest, dedup"),
        (["--stage", "mixture"], 2, "has not run yet"),
        (["--reason", "x"], 2, "--reason needs --rejected"),
        (["--rejected", "--reason", "x"], 2, "empty answer (1)"),
        (["--rejected", "--stage", "split"], 3, "has no rejected rows"),
        (["--out", "config.yaml"], 2, "is there already"),
        (["--out", "no/where.jsonl"], 2, "no folder"),
        (["--to", "csv"], 2, "invalid choice"),
    ],
)
def test_what_cannot_be_exported_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], more: list[str], code: int, told: str
) -> None:
    assert main(["export", str(config), *more]) == code
    assert told in capsys.readouterr().err
