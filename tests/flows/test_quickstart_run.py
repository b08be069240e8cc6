"""The quickstart through the real command: rejects are exactly what was planted; the tuned model is better."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.network_audit import audited, contacts, outside
from tuneloom.records import Origin

QUICKSTART = Path(__file__).parents[2] / "data" / "quickstart"
TRUTH = json.loads((QUICKSTART / "ground_truth.json").read_text("utf-8"))
STAGE_OF = {
    "exact_duplicate": ("dedup", "exact duplicate"),
    "near_duplicate": ("dedup", "near duplicate"),
    "empty_answer": ("ingest", None),
    "broken_row": ("ingest", None),
    "personal_data": ("quality", "personal data"),
    "refusal": ("quality", "refusal boilerplate"),
}


def run_quickstart(home: Path, *more: str, **environment: str) -> dict:
    """Runs the quickstart's config in an empty home; returns the JSON it prints."""
    command = [sys.executable, "-m", "flows.cli", "--home", str(home), "run", str(QUICKSTART / "config.yaml"), "--json"]
    done = subprocess.run(
        [*command, *more], stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **environment}
    )
    return json.loads(done.stdout)


def rejects_of(stages: list[dict]) -> dict[tuple[str, int], dict]:
    """(file, row from 1) -> the reject, over all stages."""
    found = {}
    for stage in stages:
        folder = Path(stage["path"])
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        for place in [folder, *(folder.parents[1] / member for member in manifest["members"])]:
            for part in place.glob("rejected/*.parquet"):
                for row in pq.read_table(part).to_pylist():
                    found[row["origin"]["file"], row["origin"]["row"]] = row
    return found


def test_the_run_rejects_what_was_planted_and_nothing_else(tmp_path: Path) -> None:
    stages = run_quickstart(tmp_path / "home", "--until", "quality")["stages"]
    rejected = rejects_of(stages)
    assert all({"rule", "version"} <= json.loads(row["detail"]).keys() for row in rejected.values())
    for plant in TRUTH["planted"]:
        here = (Path(plant["file"]).name, plant["row"] + 1)
        stage, reason = STAGE_OF[plant["kind"]]
        if plant["twin"]:
            twin = (Path(plant["twin"]["file"]).name, plant["twin"]["row"] + 1)
            gone = [place for place in (here, twin) if place in rejected]
            assert len(gone) == 1, plant
            survivor = Origin(**rejected[gone[0]]["duplicate_of"])
            assert {gone[0], (survivor.file, survivor.row)} == {here, twin}
            here = gone[0]
        found = rejected.pop(here)
        assert found["stage"] == stage, (plant, found["reason"])
        assert reason in (None, found["reason"]), plant
    assert rejected == {}
    assert dict(Counter(p["kind"] for p in TRUTH["planted"])) == TRUTH["counts"]
    good = sum(file["good"] for file in TRUTH["files"].values())
    assert stages[-1]["rows_out"] == good


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_tuned_model_is_better_than_its_base_and_answers_by_its_alias(tmp_path: Path) -> None:
    home, record = tmp_path / "home", tmp_path / "network"
    printed = run_quickstart(home, **audited(record))
    assert printed["verdict"] == "promote"
    assert printed["promoted"] is True
    loss = printed["metrics"]["loss"]
    assert loss["high"] < 0
    assert any(scores["low"] > 0 for name, scores in printed["metrics"].items() if name != "loss")
    assert outside(record) == []
    assert contacts(record), "the audit saw nothing at all"
    chat = [sys.executable, "-m", "flows.cli", "--home", str(home), "chat", "models:/quickstart@champion"]
    said = subprocess.run(
        [*chat, "--say", "What is the capital of France?"], capture_output=True, text=True, check=True
    ).stdout
    assert "Paris" in said
