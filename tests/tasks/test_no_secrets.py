"""A secret of the environment, even one that the config makes use of, is in nothing that a run leaves or says."""

import logging
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests.flows.test_refresh import write_project
from tests.tasks.conftest import Told, plan_run, walk

SECRET = "hunter2-Zq81vPfX"
NAMES = ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "MLFLOW_TRACKING_PASSWORD", "PREFECT_API_KEY", "PLACE")


@pytest.mark.slow
def test_a_planted_secret_is_found_nowhere_afterwards(
    tmp_path: Path, tiny_model: Path, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in NAMES:
        monkeypatch.setenv(name, SECRET)
    config = write_project(tmp_path, tiny_model)
    (tmp_path / SECRET).mkdir()  # stands for a bucket's address with a key in it
    (tmp_path / "rows.jsonl").rename(tmp_path / SECRET / "rows.jsonl")
    tree = yaml.safe_load(config.read_text())
    tree["sources"][0]["path"] = "${PLACE}/*.jsonl"
    tree["train"]["max_tokens"] = 600
    config.write_text(yaml.safe_dump(tree))
    run = plan_run(config, told)
    walk(run)
    run.complete()
    assert run.artifact("report")
    assert holding(tmp_path / ".tuneloom") == []
    assert SECRET not in f"{told} {caplog.text}"


def holding(folder: Path) -> list[str]:
    """Files that hold the secret, packed ones read as what they are."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        text = path.read_bytes()
        if path.suffix == ".parquet":
            text += str(pq.read_table(path).to_pylist()).encode()
        if path.suffix == ".db":
            with sqlite3.connect(path) as database:
                text += "\n".join(database.iterdump()).encode()
        if SECRET.encode() in text:
            found.append(str(path.relative_to(folder)))
    return found
