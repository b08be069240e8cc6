"""Several processes train as one does: the same losses, the same weights; and none is left when one of them dies."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from torch.multiprocessing import start_processes

from tests.token_rows import token_rows
from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Train
from tuneloom.errors import ConfigError, TrainingError
from tuneloom.render.shards import ShardWriter, read_rows, write_packs
from tuneloom.train import job as job_module
from tuneloom.train.batches import plan_steps, shares
from tuneloom.train.checkpoint import Checkpoints, Choices, newest
from tuneloom.train.group import Group
from tuneloom.train.job import Job, train_here
from tuneloom.train.ranks import _check_devices, train_on_ranks
from tuneloom.train.reports import StepReport, TrainReport

LENGTHS = (12, 3, 31, 7, 20, 2, 25, 9, 14, 5, 40)
ORIGIN = {"source": "s", "file": "f", "row": 0, "part": 0}
SETTINGS = Train(rank=4, tokens_per_step=40, micro_batch_tokens=25, learning_rate=0.002, epochs=2, ranks=2)
WAYS = [("lora", "ddp"), ("lora", "fsdp"), ("full", "ddp"), ("full", "fsdp")]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Training rows of a render artifact, every row a pack; a step may hold fewer rows than there are ranks."""

    def build(writer: Writer) -> None:
        rows = ShardWriter(writer, {})
        for row in sorted(token_rows(LENGTHS), key=lambda row: row.id):
            rows.add("train", row, ORIGIN, 1)
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
    return Job(shards, plan, settings, model, 1, "cpu", Choices("float32", 1), resume)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def quiet(what: object) -> None:
    """Nobody listens."""


def train_each_way(rank: int, jobs: dict[tuple[str, str], Job], meetings: Path) -> None:
    """In one of two processes: every job, one after the other; the first writes what came out."""
    for way, job in jobs.items():
        group = Group(rank, 2, way[1], str(meetings / "-".join(way)), "cpu")
        told: list[StepReport] = []
        _, report = train_here(job, told.append, quiet, group)
        group.leave()
        if rank == 0:
            torch.save((told, report), job.resume / "report.pt")


@pytest.fixture(scope="module")
def jobs(
    shards: Artifact, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], tuple[Job, tuple[list[StepReport], TrainReport]]]:
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
    model, alone = train_here(job_of(shards, tiny_model, tmp_path / "alone", method=way[0], ranks=1), quiet, quiet)
    assert len(alone.steps) > 5
    assert [s.loss for s in report.steps] == pytest.approx([s.loss for s in alone.steps], rel=1e-5)
    assert [s.grad_norm for s in report.steps] == pytest.approx([s.grad_norm for s in alone.steps], rel=1e-5)
    assert tuple(told) == report.steps
    last = newest(job.resume, "cpu", quiet)
    assert last is not None
    assert last.step == len(job.plan)
    for name, weight in weights(model).items():
        torch.testing.assert_close(last.tensors[f"weight.{name}"], weight, rtol=1e-3, atol=2e-5)


def test_ranks_that_have_no_row_left_are_among_them(shards: Artifact, tiny_model: Path, tmp_path: Path) -> None:
    """So the test above covers the idle micro-batch."""
    job, rows = job_of(shards, tiny_model, tmp_path / "job"), read_rows(shards, "train")
    parts = [shares([rows[place] for place in step.rows], 2, job.config.micro_batch_tokens) for step in job.plan]
    assert any([] in own for both in parts for own in both)


def test_more_ranks_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match=r"train.ranks is 2, and this machine has 1 GPUs"):
        _check_devices("cuda", 2)
    _check_devices("cpu", 2)


RUN = """
import math, os, signal, sys, torch
from functools import partial
from pathlib import Path
from tests.tuneloom.train import test_ranks as t
from tuneloom.errors import TuneloomError

if __name__ == "__main__":
    model, place, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    try:
        print("end", len(t.launch(model, place, what)[1].steps), flush=True)
    except TuneloomError as error:
        print("error", error, flush=True)
"""


class SavingOften(Checkpoints):
    """A checkpoint after each step."""

    def __post_init__(self) -> None:
        self.least_seconds, self.share = 0.0, math.inf
        super().__post_init__()
