"""About what a run takes: from the last run where there was one; a run with nothing to do takes nothing."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.flows.projects import make_project
from tests.hollow import make_hollow
from tests.tuneloom.test_changes import plan, ran
from tuneloom import estimate as module
from tuneloom.artifacts import Spec
from tuneloom.errors import DiskFull
from tuneloom.estimate import BYTES_A_ROW, MEASURED_ON_T0, RUN_BYTES, check_space, estimate, local_store
from tuneloom.plan import DATA_STAGES, STAGES, Plan
from tuneloom.runs import write_run

ROWS = 2_000


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A project with a file of a known size."""
    config = make_project(tmp_path, sources=[{"name": "s", "path": "*.jsonl"}])
    row = '{"instruction": "Say %06d", "output": "%06d"}\n'
    (tmp_path / "rows.jsonl").write_text("".join(row % (n, n) for n in range(ROWS)))
    return config


def test_nothing_to_do_takes_nothing(config: Path) -> None:
    assert estimate(plan(config), []) == module.Estimate(0.0, (), False, 0, 0)


def test_before_a_run_constants_speak_and_of_training_nobody_knows(config: Path) -> None:
    rows = (config.parent / "rows.jsonl").stat().st_size / BYTES_A_ROW
    found = estimate(plan(config), STAGES)
    data = sum(MEASURED_ON_T0[stage].seconds * rows for stage in DATA_STAGES)
    assert found.seconds == pytest.approx(module.START_SECONDS + module.A_FILE.seconds + data)
    assert (found.unknown, found.as_last_time) == (("train", "evaluate", "release", "report"), False)
    size = sum(MEASURED_ON_T0[stage].bytes * rows for stage in DATA_STAGES) + module.WORK_BYTES_A_ROW * rows
    assert found.store_bytes == pytest.approx(size + module.A_FILE.bytes + RUN_BYTES, abs=1)
    assert found.temporary_bytes == RUN_BYTES


def test_many_small_files_take_what_their_artifacts_take(tmp_path: Path) -> None:
    config = make_project(tmp_path, sources=[{"name": "s", "path": "data/*.jsonl"}])
    (tmp_path / "data").mkdir()
    for n in range(300):
        (tmp_path / f"data/{n}.jsonl").write_text(f'{{"instruction": "Say {n}", "output": "{n}"}}\n')
    found = estimate(plan(config), ["ingest"])
    assert found.seconds == pytest.approx(module.START_SECONDS + 300 * module.A_FILE.seconds, abs=0.1)
    assert found.store_bytes >= RUN_BYTES + 300 * 20_000


def test_after_a_run_it_goes_by_what_that_took(config: Path) -> None:
    done = ran(config)
    before = [done.store.find(done.specs[stage].reference) for stage in ("dedup", "split")]
    (config.parent / "more.jsonl").write_bytes((config.parent / "rows.jsonl").read_bytes())
    found = estimate(plan(config), ("dedup", "split"))
    assert found.as_last_time
    took = sum(artifact.manifest.seconds for artifact in before if artifact)
    assert found.seconds == pytest.approx(module.START_SECONDS + 2 * took)


def test_what_training_took_is_what_it_will_take(config: Path) -> None:
    done = ran(config)
    trained = done.store.ensure(Spec("train", "code"), lambda writer: writer.file("adapter").write_bytes(b"x") and None)
    record = replace(done.record, stages={"ingest": done.specs["ingest"].key, "train": trained.reference.key})
    write_run(done.store, replace(record, specs={"ingest": done.specs["ingest"].as_dict()}))
    found = estimate(plan(config), ("train", "evaluate"))
    assert found.unknown == ("evaluate",)
    assert found.seconds == pytest.approx(module.START_SECONDS + trained.manifest.seconds)
    assert found.store_bytes == RUN_BYTES


def test_a_limit_bounds_the_rows_and_full_tuning_writes_the_model(config: Path) -> None:
    whole = plan(config)
    limited = replace(whole, inputs=replace(whole.inputs, limit=10))
    assert estimate(limited, ["ingest"]).store_bytes < estimate(whole, ["ingest"]).store_bytes
    full = replace(whole, config=whole.config.model_validate(
        {**whole.config.model_dump(), "train": {"method": "full"}}))  # fmt: skip
    (config.parent / "model" / "model.safetensors").write_bytes(bytes(1_000_000))
    more = estimate(full, STAGES).store_bytes - estimate(whole, STAGES).store_bytes
    assert more == pytest.approx(3_000_000, rel=0.01)


def with_room(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=free))


def test_a_run_that_the_disk_has_no_room_for_is_refused_before_it_starts(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_room(monkeypatch, 20_000_000)
    with pytest.raises(DiskFull, match="the disk has 20 MB free, this run needs about 3") as caught:
        check_space(plan(config), "render")
    assert caught.value.exit_code == 1
    assert not (config.parent / ".tuneloom").exists()
    with_room(monkeypatch, 200_000_000)
    check_space(plan(config), "render")


def test_a_run_that_is_wholly_reused_needs_no_room(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_hollow(plan(config), "render")
    with_room(monkeypatch, 0)
    check_space(plan(config), "mixture")
    with pytest.raises(DiskFull):
        check_space(plan(config), "render")


def test_of_a_store_elsewhere_nobody_knows_the_room(config: Path) -> None:
    def at(url: str) -> Plan:
        return replace(plan(config), store=SimpleNamespace(url=url))  # type: ignore[arg-type]

    assert local_store(at("s3://bucket/store")) is None
    assert local_store(at("file:///data/store")) == Path("/data/store")
    assert local_store(at("/data/store")) == Path("/data/store")
