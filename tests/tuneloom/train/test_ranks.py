"""Several processes train as one does: the same losses, the same weights; and none is left when one of them dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pyarrow as pa
import pytest
import torch
from torch.multiprocessing import start_processes

from tests.token_rows import token_rows
from tests.tuneloom.render.test_shards import columns
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Train
from tuneloom.errors import ConfigError, TrainingError
from tuneloom.render.shards import ShardWriter, read_rows, write_packs
from tuneloom.train import ranks
from tuneloom.train.batches import plan_steps, shares
from tuneloom.train.checkpoint import newest
from tuneloom.train.choices import Choices
from tuneloom.train.group import Group
from tuneloom.train.job import Job, Tell, train_here
from tuneloom.train.ranks import _check_devices, train_on_ranks
from tuneloom.train.reports import StepReport, TrainReport, ValidationReport
from tuneloom.train.trainer import BEST
from tuneloom.train.validation import Validation

LENGTHS = (12, 3, 31, 7, 20, 2, 25, 9, 14, 5, 40)
SETTINGS = Train(rank=4, tokens_per_step=40, micro_batch_tokens=25, learning_rate=0.002, epochs=2, processes=2)
WAYS = [("lora", "ddp"), ("lora", "fsdp"), ("full", "ddp"), ("full", "fsdp")]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Training rows of a render artifact, every row a pack; a step may hold fewer rows than there are ranks."""

    def build(writer: Writer) -> None:
        rows = ShardWriter(writer, {})
        for row in sorted(token_rows(LENGTHS), key=lambda row: row.id):
            rows.add(pa.array(["train"]), columns(row))
        writer.count(made=len(LENGTHS))
        rows.close()
        write_packs(writer, [[place] for place in range(len(LENGTHS))])

    return Store(tmp_path_factory.mktemp("shards")).ensure(Spec("render", "test"), build)


def job_of(shards: Artifact, model: Path, resume: Path, **changes: Any) -> Job:
    settings = SETTINGS.model_copy(update=changes)
    resume.mkdir(exist_ok=True)
    rows = read_rows(shards, "train")
    packs = [[place] for place in range(len(rows))]
    plan = plan_steps(rows, packs, settings.tokens_per_step, settings.epochs, None, 1)
    choices = Choices("float32", 1, SETTINGS.micro_batch_tokens or 0)
    looks = Validation(token_rows((9, 14, 6), seed=5), ["a", "b", "a"], 3)
    return Job(shards, plan, settings, model, 1, "cpu", choices, looks, resume)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def quiet(what: object) -> None:
    """Nobody listens."""


def tell(step: Callable[[StepReport], None] = quiet, look: Callable[[ValidationReport], None] = quiet) -> Tell:
    return Tell(quiet, step, look, quiet)


def train_each_way(rank: int, jobs: dict[tuple[str, str], Job], meetings: Path) -> None:
    """In one of two processes: every job, one after the other; the first writes what came out."""
    for way, job in jobs.items():
        group = Group(rank, 2, way[1], str(meetings / "-".join(way)), "cpu")
        told: list[StepReport | ValidationReport] = []
        report = train_here(job, tell(told.append, told.append), None, group).report
        group.leave()
        if rank == 0:
            torch.save((told, report), job.resume / "report.pt")


@pytest.fixture(scope="module")
def jobs(
    shards: Artifact, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], tuple[Job, tuple[list[StepReport | ValidationReport], TrainReport]]]:
    """Each method each way, trained by the same two processes."""
    place = tmp_path_factory.mktemp("jobs")
    made = {
        (method, way): job_of(shards, tiny_model, place / f"{method}-{way}.resume", method=method, parallel=way)
        for method, way in WAYS
    }
    portable = {way: replace(job, shards=replace(job.shards, check=quiet)) for way, job in made.items()}
    start_processes(train_each_way, (portable, place), 2)
    return {way: (job, torch.load(job.resume / "report.pt", weights_only=False)) for way, job in made.items()}


@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_two_ranks_have_the_losses_gradients_and_weights_of_one_process(
    jobs: dict[Any, Any], shards: Artifact, tiny_model: Path, tmp_path: Path, way: tuple[str, str]
) -> None:
    job, (told, report) = jobs[way]
    here = train_here(job_of(shards, tiny_model, tmp_path / "alone", method=way[0], processes=1), tell(), None)
    model, alone = here.model, here.report
    assert len(alone.steps) > 5
    assert [s.loss for s in report.steps] == pytest.approx([s.loss for s in alone.steps], rel=1e-5)
    assert [s.grad_norm for s in report.steps] == pytest.approx([s.grad_norm for s in alone.steps], rel=1e-5)
    assert [v.loss for v in report.validations] == pytest.approx([v.loss for v in alone.validations], rel=1e-5)
    assert report.chosen_step == alone.chosen_step
    assert [one for one in told if isinstance(one, StepReport)] == [*report.steps]
    assert [one for one in told if isinstance(one, ValidationReport)] == [*report.validations]
    last = newest(job.resume, "cpu", quiet)
    assert last is not None
    assert last.step == len(job.plan)
    for name, weight in weights(model).items():
        torch.testing.assert_close(last.tensors[f"{BEST}{name}"], weight, rtol=1e-3, atol=2e-5)


def test_ranks_that_have_no_row_left_are_among_them(shards: Artifact, tiny_model: Path, tmp_path: Path) -> None:
    """So the test above covers the idle micro-batch."""
    job, rows = job_of(shards, tiny_model, tmp_path / "job"), read_rows(shards, "train")
    parts = [shares([rows[place] for place in step.rows], 2, job.config.micro_batch_tokens) for step in job.plan]
    assert any([] in own for both in parts for own in both)


def test_more_ranks_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match=r"train.processes is 2, and this machine has 1 GPUs"):
        _check_devices("cuda", 2)
    _check_devices("cpu", 2)


def test_a_base_in_4_bits_is_opened_whole_where_the_trained_weights_are_taken_in(
    jobs: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that starts the ranks computes on the CPU, which has no 4 bits."""
    job, (_, report) = jobs["lora", "ddp"]
    monkeypatch.setattr(ranks, "start_processes", lambda *given, **options: SimpleNamespace(processes=[]))
    monkeypatch.setattr(ranks, "_follow", lambda context, told, preempted: setattr(told, "report", report))
    quantised = replace(job, config=job.config.model_copy(update={"four_bit": True}))
    found = weights(train_on_ranks(quantised, tell()).model)
    left = newest(job.resume, "cpu", quiet)
    assert left is not None
    assert all(torch.equal(weight, left.tensors[f"{BEST}{name}"]) for name, weight in found.items())


LONG = {"epochs": 40.0, "dropout": 0.2}


def ranks_of(process: psutil.Process) -> list[psutil.Process]:
    """The processes that train, in the order of their ranks."""
    return [child for child in process.children() if any("spawn_main" in word for word in child.cmdline())]


def at_step(number: int, act: Callable[[], None]) -> Callable[[StepReport], None]:
    return lambda report: act() if report.step == number else None


def test_a_rank_that_is_killed_ends_the_training_with_a_reason_and_leaves_no_process(
    shards: Artifact, tiny_model: Path, tmp_path: Path
) -> None:
    seen: list[psutil.Process] = []

    def kill() -> None:
        seen.extend(ranks_of(psutil.Process()))
        seen[1].kill()

    with pytest.raises(TrainingError, match="rank 1 of 2 was ended by SIGKILL") as caught:
        train_on_ranks(job_of(shards, tiny_model, tmp_path / "job", **LONG), tell(at_step(2, kill)))
    assert "train.micro_batch_tokens" in caught.value.remedy
    assert len(seen) == 2
    assert not any(process.is_running() for process in seen)


@pytest.mark.slow
@pytest.mark.parametrize("way", [("lora", "ddp"), ("full", "fsdp")], ids="-".join)
def test_sigterm_saves_and_the_next_training_ends_in_the_same_bytes(
    shards: Artifact, tiny_model: Path, tmp_path: Path, way: tuple[str, str]
) -> None:
    """With dropout, so that each rank's random state is among what is taken up."""
    change = {**LONG, "method": way[0], "parallel": way[1]}
    done = train_on_ranks(job_of(shards, tiny_model, tmp_path / "calm", **change), tell())
    calm, report = done.model, done.report
    asked: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    job = job_of(shards, tiny_model, tmp_path / "stopped", **change)
    try:
        with pytest.raises(TrainingError, match="stopped by SIGTERM after step"):
            train_on_ranks(job, tell(at_step(3, lambda: os.kill(os.getpid(), signal.SIGTERM))))
    finally:
        signal.signal(signal.SIGTERM, former)
    assert asked == [signal.SIGTERM]
    left = newest(job.resume, "cpu", quiet)
    assert left is not None
    assert 3 <= left.step < len(job.plan)
    done = train_on_ranks(job, tell())
    again, resumed = done.model, done.report
    assert [s.loss for s in resumed.steps] == [s.loss for s in report.steps]
    assert all(torch.equal(weight, weights(again)[name]) for name, weight in weights(calm).items())


@pytest.mark.slow
def test_what_a_rank_raises_is_raised_here(shards: Artifact, tiny_model: Path, tmp_path: Path) -> None:
    wild = {"method": "full", "learning_rate": 1.0, "epochs": 20.0, "schedule": "constant"}
    with pytest.raises(TrainingError, match=r"ran away|norm is") as caught:
        train_on_ranks(job_of(shards, tiny_model, tmp_path / "job", **wild), tell())
    assert "row-" in caught.value.where


ORPHANS = """
import os, sys
from pathlib import Path
import psutil
from tests.tuneloom.train.test_ranks import LONG, at_step, job_of, ranks_of, tell, train_on_ranks
from tuneloom.artifacts import Reference, Store

if __name__ == "__main__":
    store, key, model, resume = sys.argv[1:]
    shards = Store(Path(store)).find(Reference("render", key))
    told = lambda: print(*(process.pid for process in ranks_of(psutil.Process())), flush=True)
    train_on_ranks(job_of(shards, Path(model), Path(resume), **{**LONG, "epochs": 4000.0}), tell(at_step(2, told)))
"""


@pytest.mark.slow
def test_ranks_end_with_the_process_that_started_them(shards: Artifact, tiny_model: Path, tmp_path: Path) -> None:
    store = shards.folder.parent.parent
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    given = [str(store), shards.reference.key, str(tiny_model), str(tmp_path / "job")]
    with subprocess.Popen([sys.executable, str(script), *given], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        ranks = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(ranks) == 2
    assert psutil.wait_procs(ranks, timeout=60)[1] == []
