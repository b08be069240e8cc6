"""The task of decontamination, and the way of protected rows through the stages around it."""

import json
from pathlib import Path

import pytest
import yaml

from tasks.run import Run
from tests.tasks.conftest import Told, plan_run, walk, write_two_sources
from tuneloom.artifacts import Artifact


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path) -> Path:
    """The two sources, and a suite that asks what their rows 1, 2 and 3 ask; the third is to be decontaminated only."""
    config = write_two_sources(tmp_path, tiny_model)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()[:3]]
    for name, leaked in (("suite", rows[:2]), ("others", rows[2:])):
        asked = [{"prompt": f"{row['instruction']}"} for row in leaked]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, asked)))
    tree = yaml.safe_load(config.read_text())
    tree["sources"] += [
        {"name": "suite", "path": "suite.jsonl", "use": "evaluate"},
        {"name": "others", "path": "others.jsonl", "use": "decontaminate"},
    ]
    tree["split"] = {"test": 0.0}
    config.write_text(yaml.safe_dump(tree))
    return config


def origins(artifact: Artifact) -> set[tuple[str, int]]:
    return {(row["source"], row["row"]) for row in artifact.table(["origin"])["origin"].to_pylist()}


def ran(config: Path, told: Told, *overrides: str) -> Run:
    run = plan_run(config, told, *overrides)
    walk(run, last="mixture")
    return run


SUITE = {("suite", 1), ("suite", 2), ("others", 1)}


def test_what_gives_a_suite_away_never_reaches_the_mixture_and_the_suite_does(config: Path, told: Told) -> None:
    run = ran(config, told)
    lost = run.artifact("decontaminate").rejected().to_pylist()
    assert {(row["origin"]["source"], row["origin"]["row"]) for row in lost} == {
        ("twins", 1),
        ("twins", 2),
        ("rows", 3),
    }
    assert {(row["duplicate_of"]["source"], row["duplicate_of"]["row"]) for row in lost} == SUITE
    assert origins(run.artifact("mixture")) & {*SUITE, ("rows", 1), ("rows", 3), ("twins", 1)} == SUITE


def test_protected_rows_never_compete_for_survivor(config: Path, told: Told) -> None:
    """Of what dedup rejects they are neither a loser nor a witness."""
    run = ran(config, told)
    lost = run.artifact("dedup").rejected().to_pylist()
    named = {row[end]["source"] for row in lost for end in ("origin", "duplicate_of")}
    assert named == {"rows", "twins"}
    assert origins(run.artifact("decontaminate")) >= SUITE


def test_turned_off_everything_passes(config: Path, told: Told) -> None:
    run = ran(config, told, "decontaminate=null")
    counts = run.artifact("decontaminate").manifest.counts
    assert (counts.rejected, counts.rows_in) == (0, counts.rows_out)
    assert ("rows", 3) in origins(run.artifact("mixture"))
