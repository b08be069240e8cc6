"""A training that is stopped anywhere, by anything, ends in the same bytes as one that is not."""

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.load import load_model
from tuneloom.train import checkpoint
from tuneloom.train import step as step_module
from tuneloom.train.adapters import attach
from tuneloom.train.checkpoint import (
    Checkpoints,
    Choices,
    Origin,
    newest,
    preemption,
    random_states,
    set_random_states,
)
from tuneloom.train.group import Alone
from tuneloom.train.reports import StepReport, ValidationReport
from tuneloom.train.trainer import train
from tuneloom.train.validation import Validation

SETTINGS = Train(rank=4, tokens_per_step=40, micro_batch_tokens=15, learning_rate=0.02, epochs=3, dropout=0.2)
HERE = Origin.here("cpu")


class Stopped(Exception):
    """Stands for whatever ends a process."""


def run(
    model: Path,
    folder: Path,
    settings: Train = SETTINGS,
    on_step: Callable[[StepReport], None] = lambda step: None,
    say: Callable[[str], None] = lambda line: None,
    validation: Validation | None = None,
    on_validation: Callable[[ValidationReport], None] = lambda look: None,
) -> dict[str, torch.Tensor]:
    """Trains from what `folder` holds, a checkpoint after each step; the trained weights."""
    folder.mkdir(exist_ok=True)
    resumed = newest(folder, "cpu", say)
    trainee = attach(load_model(model), settings, seed=1)
    plan = one_row_packs(token_rows(), settings, 1)
    at = Checkpoints(folder, HERE, Choices("float32", torch.get_num_threads()), least_seconds=0, share=math.inf)
    told = on_step, at, resumed, say, None, validation, on_validation
    train(trainee, token_rows(), plan, settings, 1, "float32", *told)
    return {name: p.detach() for name, p in trainee.named_parameters() if p.requires_grad}


def stop_in(step: int) -> Callable[[StepReport], None]:
    def look(report: StepReport) -> None:
        if report.step == step:
            raise Stopped

    return look


def assert_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_stopped_in_every_step_it_ends_in_the_same_bytes(tiny_model: Path, tmp_path: Path, method: Any) -> None:
    settings = SETTINGS.model_copy(update={"method": method, "learning_rate": 0.002})
    calm: list[StepReport] = []
    weights = run(tiny_model, tmp_path / "calm", settings, calm.append)
    assert len(calm) > 4, "more than two epochs"
    for step in range(2, len(calm) + 1):
        with pytest.raises(Stopped):
            run(tiny_model, tmp_path / "stopped", settings, stop_in(step))
    told: list[StepReport] = []
    assert_equal(run(tiny_model, tmp_path / "stopped", settings, told.append), weights)
    forget = {"seconds": 0.0, "tokens_per_second": 0.0, "memory_bytes": 0}
    assert [replace(report, **forget) for report in told] == [replace(report, **forget) for report in calm]


def test_stopped_anywhere_it_stops_early_as_it_would_have_and_keeps_the_same_best_weights(
    tiny_model: Path, tmp_path: Path
) -> None:
    validation = Validation(token_rows((9, 14, 6), seed=7), ["a", "b", "a"], 2)
    settings = SETTINGS.model_copy(update={"learning_rate": 0.2, "schedule": "constant", "patience": 1, "epochs": 8.0})
    calm: list[StepReport] = []
    looks: list[ValidationReport] = []
    weights = run(
        tiny_model, tmp_path / "calm", settings, calm.append, validation=validation, on_validation=looks.append
    )
    assert 4 <= len(calm) < calm[0].steps, "stopped early"
    for step in range(2, len(calm) + 1):
        with pytest.raises(Stopped):
            run(tiny_model, tmp_path / "stopped", settings, stop_in(step), validation=validation)
    again: list[ValidationReport] = []
    found = run(tiny_model, tmp_path / "stopped", settings, validation=validation, on_validation=again.append)
    assert_equal(found, weights)
    assert [(one.step, one.loss, one.tasks) for one in again] == [(one.step, one.loss, one.tasks) for one in looks]


def test_what_memory_made_the_machine_choose_is_taken_over(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_loss = step_module.packed_loss

    def short_of_memory(model: Any, rows: Any, dtype: Any) -> Any:
        if len(rows) > 1:
            raise MemoryError
        return true_loss(model, rows, dtype)

    settings = SETTINGS.model_copy(update={"micro_batch_tokens": 60})
    with monkeypatch.context() as short:
        short.setattr(step_module, "packed_loss", short_of_memory)
        with pytest.raises(Stopped):
            run(tiny_model, tmp_path / "stopped", settings, stop_in(3))
    found = newest(tmp_path / "stopped", "cpu", print)
    assert found is not None
    assert found.choices.micro_batch_tokens < 60
    said: list[str] = []
    run(tiny_model, tmp_path / "stopped", settings, say=said.append)
    assert not any("memory ran out" in line for line in said)
    after = newest(tmp_path / "stopped", "cpu", print)
    assert after is not None
    assert after.choices == found.choices


@pytest.mark.parametrize("left_out", ["random_state", "moment", "weight"])
def test_each_part_of_a_checkpoint_is_needed(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    weights = run(tiny_model, tmp_path / "calm")
    with pytest.raises(Stopped):
        run(tiny_model, tmp_path / "stopped", on_step=stop_in(4))
    if left_out == "random_state":
        monkeypatch.setattr("tuneloom.train.trainer.set_random_states", lambda *_: None)
    else:
        found = checkpoint._read

        def weakened(path: Path) -> Any:
            read = found(path)
            tensors = {n: t * 0.5 if n.startswith(left_out) else t for n, t in read.tensors.items()}
            return replace(read, tensors=tensors)

        monkeypatch.setattr(checkpoint, "_read", weakened)
    other = run(tiny_model, tmp_path / "stopped")
    assert not all(torch.equal(weights[name], other[name]) for name in weights)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tiny_model: Path, tmp_path: Path) -> None:
    weights = run(tiny_model, tmp_path / "calm")
    with pytest.raises(Stopped):
        run(tiny_model, tmp_path / "stopped", on_step=stop_in(5))
    last = max((tmp_path / "stopped").iterdir())
    assert last.name == "step-00000004.safetensors"
    torn = bytearray(last.read_bytes())
    torn[-100] ^= 1
    last.write_bytes(torn)
    said: list[str] = []
    assert_equal(run(tiny_model, tmp_path / "stopped", say=said.append), weights)
    assert said[0] == "  the checkpoint step-00000004.safetensors is damaged and is passed over"
    assert "goes on after step 3" in said[1]


def test_a_full_disk_ends_no_training_and_leaves_nothing_half_written(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    weights = run(tiny_model, tmp_path / "calm")
    monkeypatch.setattr(checkpoint.os, "rename", full_disk)
    said: list[str] = []
    assert_equal(run(tiny_model, tmp_path / "full", say=said.append), weights)
    assert "  no checkpoint after step 1: [Errno 28] No space left on device" in said
    assert newest(tmp_path / "full", "cpu", print) is None
    assert not list((tmp_path / "full").iterdir())


def test_a_checkpoint_from_elsewhere_is_not_gone_on_from(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Stopped):
        run(tiny_model, tmp_path, on_step=stop_in(3))
    monkeypatch.setattr(Origin, "here", classmethod(lambda cls, device: replace(HERE, torch="3.0.0")))
    said: list[str] = []
    assert newest(tmp_path, "cpu", said.append) is None
    assert said == [
        f"  training starts anew: its checkpoint after step 2 was made elsewhere (torch {HERE.torch} -> 3.0.0)"
    ]


def test_the_last_two_are_kept(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(tiny_model, tmp_path, on_step=stop_in(5))
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "step-00000003.safetensors",
        "step-00000004.safetensors",
    ]


def test_the_next_is_due_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: clock[0])
    at = Checkpoints(tmp_path, HERE, Choices("float32", 1))
    assert not at.due()
    clock[0] += 60
    assert at.due()

    def slow(path: Path) -> None:
        clock[0] += 5

    monkeypatch.setattr(checkpoint, "flush", slow)
    at.save(1, {}, {"weight.a": torch.zeros(2)})
    clock[0] += 199
    assert not at.due(), "ten seconds of saving every two hundred"
    clock[0] += 1
    assert at.due()


def test_sigterm_lets_the_step_end_and_saves(tiny_model: Path, tmp_path: Path) -> None:
    weights = run(tiny_model, tmp_path / "calm")
    asked: list[int] = []

    def terminate(report: StepReport) -> None:
        if report.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    former = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        with pytest.raises(TrainingError, match="stopped by SIGTERM after step 3 of"):
            run(tiny_model, tmp_path / "stopped", on_step=terminate)
    finally:
        signal.signal(signal.SIGTERM, former)
    assert asked == [signal.SIGTERM], "whoever listened before is told"
    assert (tmp_path / "stopped/step-00000003.safetensors").is_file()
    assert_equal(run(tiny_model, tmp_path / "stopped"), weights)


def test_a_thread_other_than_the_main_one_trains_without_the_signal() -> None:
    import threading

    seen: list[bool] = []

    def block() -> None:
        with preemption() as asked:
            seen.append(asked.is_set())

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert seen == [False]


KILLED = """
import os, signal, sys, torch
from pathlib import Path
from tests.tuneloom.train.test_checkpoint import run

model, folder, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
weights = run(model, folder, on_step=lambda r: r.step == step and os.kill(os.getpid(), signal.SIGKILL))
torch.save(weights, folder / "weights.pt")
"""


def test_kill_9_and_a_new_process_end_in_the_same_bytes(tiny_model: Path, tmp_path: Path) -> None:
    def start(folder: str, step: int) -> int:
        command = [sys.executable, "-c", KILLED, str(tiny_model), str(tmp_path / folder), str(step)]
        return subprocess.run(command, check=False, capture_output=True).returncode

    assert start("calm", 0) == 0
    assert start("killed", 3) == -signal.SIGKILL
    assert start("killed", 5) == -signal.SIGKILL
    assert start("killed", 0) == 0
    one, other = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("calm", "killed"))
    assert_equal(one, other)


def test_an_apple_gpu_has_an_origin_and_a_random_state_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [torch.arange(4, dtype=torch.uint8)]
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: states[-1])
    monkeypatch.setattr(torch.mps, "set_rng_state", states.append)
    assert Origin.here("mps").device == "mps"
    kept = random_states(Alone(), "mps")
    states.append(torch.zeros(4, dtype=torch.uint8))
    set_random_states(kept, Alone(), "mps")
    assert torch.equal(states[-1], torch.arange(4, dtype=torch.uint8))
