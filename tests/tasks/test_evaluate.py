"""The task of evaluation: which champion a run is judged against, and where its weights come from."""

import json
from pathlib import Path

import pytest

from flows.cli import main
from tasks.evaluate import _weights_of
from tests.tasks.conftest import Ended, Told, plan_run, walk
from tuneloom.errors import UnknownModel
from tuneloom.evaluate.side_by_side import side_by_side
from tuneloom.evaluate.subjects import trained_folder
from tuneloom.release.named_model import find_sides, report_of
from tuneloom.runs import FrozenChampion


def test_without_a_champion_the_base_is_the_one_to_beat(ended: Ended) -> None:
    assert ended.artifact("evaluate").manifest.spec["inputs"]["champion"] is None
    assert ended.artifact("evaluate").stats["answers"] == {"base": 4, "tuned": 4}


def test_the_registrys_champion_is_scored_on_the_same_rows(ended: Ended, told: Told, monkeypatch) -> None:
    key = ended.artifact("train").reference.key
    champion = FrozenChampion("tiny", 1, key, "models:/tiny/1")
    asked = []
    monkeypatch.setattr("tasks.evaluate.registered_champion", lambda *about: asked.append(about) or champion)
    run = plan_run(ended.config, told, "train.rank=4", "train.max_tokens=300")
    walk(run, first="train", last="evaluate")
    assert asked == [(run.plan.home, "tiny")]
    artifact = run.artifact("evaluate")
    assert artifact.manifest.spec["inputs"]["champion"] == key
    assert artifact.stats["answers"] == {"base": 4, "champion": 4, "tuned": 4}
    assert artifact.stats["metrics"]["loss"]["champion"] == pytest.approx(
        ended.artifact("evaluate").stats["metrics"]["loss"]["tuned"], abs=1e-6
    )


def test_its_weights_come_from_the_store_that_trained_it_else_from_the_registry(
    ended: Ended, told: Told, tmp_path: Path
) -> None:
    train = ended.artifact("train")
    champion = FrozenChampion("tiny", 1, train.reference.key, "models:/tiny/1")
    here = _weights_of(ended.run, champion)
    assert (here.folder, here.base_digest) == (trained_folder(train), ended.run.plan.model.digest)

    elsewhere = plan_run(ended.config, told, f"store={tmp_path}")
    there = _weights_of(elsewhere, champion)
    assert (there.version, there.base_digest) == (1, here.base_digest)
    names = "adapter_model.safetensors"
    assert there.folder != here.folder
    assert (there.folder / names).read_bytes() == (here.folder / names).read_bytes()


def test_a_champion_that_is_nowhere_is_told(ended: Ended) -> None:
    lost = FrozenChampion("tiny", 9, "9" * 32, "models:/tiny/9")
    with pytest.raises(UnknownModel, match="models:/tiny/9"):
        _weights_of(ended.run, lost)


def test_two_runs_are_compared_on_the_rows_that_both_evaluated(
    ended: Ended, told: Told, tmp_path: Path, capsys
) -> None:
    other = plan_run(ended.config, told, "train.rank=5", "train.max_tokens=300")
    walk(other, first="train", last="evaluate")
    store, home = ended.run.plan.store, tmp_path
    names = [other.plan.record.identity[:16], ended.run.plan.record.identity[:16]]
    sides = find_sides(names, store, home)
    lines = {line.metric: line for line in side_by_side(*sides)}
    first, second = (one.artifact("evaluate").stats["metrics"]["loss"]["tuned"] for one in (other, ended.run))
    assert lines["loss"].difference == pytest.approx(first - second, abs=1e-9)
    assert {"loss", "chrf", "exact_match", "rouge_l"} == lines.keys()
    assert report_of(ended.run.plan.record, store).name == "report.html"
    (home / "last.json").write_text(
        json.dumps({"config": "c", "overrides": [], "limit": None, "store": store.url}), "utf-8"
    )
    assert main(["compare", *names, "--home", str(home), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["metric"] for one in said["differences"]] == list(lines)
    assert len(said["reports"]) == 1
