"""The task of ingestion: files one by one, their reasons summed, and a file that changes under the run's feet."""

from pathlib import Path

import pytest
import yaml
from prefect.states import Failed

from tasks.ingest import ingest
from tests.tasks.conftest import Ended, Told, plan_run
from tuneloom.errors import NoUsableData, TuneloomError


def write_files(folder: Path, model: Path, **files: str) -> Path:
    """A config with the source `data` of these files."""
    (folder / "data").mkdir()
    for name, text in files.items():
        (folder / "data" / f"{name}.jsonl").write_text(text)
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"model": str(model), "sources": [{"name": "data", "path": "data"}]}))
    return config


GOOD = '{"instruction": "Name a colour.", "output": "Green."}\n'
EMPTY = '{"instruction": "Name a colour.", "output": ""}\n'
BROKEN = '{"instruction": "cut\n'


def test_the_stage_is_the_union_of_an_artifact_a_file(ended: Ended) -> None:
    artifact = ended.artifact("ingest")
    assert [member.manifest.spec["inputs"]["file"] for member in artifact.members] == ["rows.jsonl", "twins.jsonl"]
    assert (artifact.manifest.counts.rows_in, artifact.manifest.counts.rejected) == (134, 2)
    assert "ingest files 2/2" in ended.told.lines


def test_only_a_new_file_is_read(tmp_path: Path, tiny_model: Path, told: Told) -> None:
    config = write_files(tmp_path, tiny_model, a=GOOD)
    ingest.fn(plan_run(config, told))
    (tmp_path / "data" / "b.jsonl").write_text(GOOD.replace("colour", "bird"))
    run = plan_run(config, told)
    ingest.fn(run)
    assert run.artifact("ingest").manifest.counts.rows_out == 2
    times = [(m.folder / "manifest.json").stat().st_mtime_ns for m in run.artifact("ingest").members]
    assert times[0] < times[1]


def test_no_usable_row_tells_the_reasons_of_all_files_together(tmp_path: Path, tiny_model: Path, told: Told) -> None:
    config = write_files(tmp_path, tiny_model, a=EMPTY * 3 + BROKEN, b=EMPTY * 2)
    with pytest.raises(NoUsableData, match="no usable row in 2 files: ") as caught:
        ingest.fn(plan_run(config, told))
    assert "5 empty answer, 1 " in caught.value.what
    assert caught.value.where == "data"


def test_a_file_that_changes_while_it_is_read_is_told_and_not_stored(
    tmp_path: Path, tiny_model: Path, told: Told
) -> None:
    config = write_files(tmp_path, tiny_model, a=GOOD, b=GOOD)
    run = plan_run(config, told)
    (tmp_path / "data" / "b.jsonl").write_text(GOOD * 2)
    with pytest.raises(TuneloomError, match=r"b\.jsonl changed while the run was reading it"):
        ingest.fn(run)
    assert run.plan.store.find(run.plan.files[0].spec.reference) is not None
    assert run.plan.store.find(run.plan.files[1].spec.reference) is None
    assert run.plan.store.find(run.plan.specs["ingest"].reference) is None
    later = plan_run(config, told)
    ingest.fn(later)
    assert later.artifact("ingest").manifest.counts.rows_out == 3


def test_data_are_told_as_refreshed_when_they_are_and_not_when_they_were_there(ended: Ended, again, told: Told) -> None:
    key = ended.artifact("ingest").manifest.key
    event = ("tuneloom.data.refreshed", "tuneloom.pipeline.tiny", {"rows": 132, "key": key})
    assert event in ended.told.events
    ingest.fn(again)
    assert told.events == []


def test_a_disk_that_fails_is_tried_again() -> None:
    assert ingest.retries > 0
    assert ingest.retry_condition_fn(ingest, None, Failed(data=OSError("disk")))
