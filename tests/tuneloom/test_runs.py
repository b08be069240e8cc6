"""Run records survive, and a damaged one only costs work."""

import os
from pathlib import Path

from tuneloom.artifacts import Store
from tuneloom.runs import FrozenChampion, RunRecord, freeze_champion, latest_run, read_run, write_run


def test_a_record_reads_back_as_written(tmp_path: Path) -> None:
    record = RunRecord("id", "name", stages={"dedup": "k"}, specs={"dedup": {"seed": 0}}, mlflow_run_id="m")
    for written in (record, freeze_champion(record, FrozenChampion("n", 1, "k", "models:/n/1"))):
        write_run(Store(tmp_path), written)
        assert read_run(Store(tmp_path), "id") == written


def test_no_champion_is_told_from_not_looked_up(tmp_path: Path) -> None:
    write_run(Store(tmp_path), freeze_champion(RunRecord("id", "name"), None))
    found = read_run(Store(tmp_path), "id")
    assert found is not None
    assert found.champion_resolved
    assert found.champion is None


def test_a_damaged_record_counts_as_none(tmp_path: Path) -> None:
    write_run(Store(tmp_path), RunRecord("id", "name"))
    (tmp_path / "runs" / "id.json").write_text('{"identity": 1')
    assert read_run(Store(tmp_path), "id") is None


def test_the_latest_is_by_time_and_name(tmp_path: Path) -> None:
    for number, (identity, name) in enumerate([("a", "x"), ("b", "x"), ("c", "y")]):
        write_run(Store(tmp_path), RunRecord(identity, name))
        os.utime(tmp_path / "runs" / f"{identity}.json", (100 + number, 100 + number))
    latest = latest_run(Store(tmp_path), "x")
    assert latest is not None
    assert latest.identity == "b"
    assert latest_run(Store(tmp_path), "z") is None


def test_the_latest_in_which_a_stage_ended_passes_over_runs_that_only_began(tmp_path: Path) -> None:
    for number, (identity, stages) in enumerate([("a", {"ingest": "k"}), ("b", {})]):
        write_run(Store(tmp_path), RunRecord(identity, "x", stages=stages))
        os.utime(tmp_path / "runs" / f"{identity}.json", (100 + number, 100 + number))
    latest = latest_run(Store(tmp_path), "x", ended="ingest")
    assert latest is not None
    assert latest.identity == "a"
    assert latest_run(Store(tmp_path), "x", ended="dedup") is None
