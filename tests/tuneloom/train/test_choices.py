"""What is chosen follows the machine and its memory; memory that runs out changes speed, not the result."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.load import load_model
from tuneloom.models.probe import Machine
from tuneloom.train import step, trainer
from tuneloom.train.adapters import attach
from tuneloom.train.choices import LEAST, ON_A_CPU, Choices, apply, choose, is_out_of_memory, with_less_memory
from tuneloom.train.memory import Shape
from tuneloom.train.reports import TrainReport
from tuneloom.train.trainer import train

CPU = Machine("cpu", "float32", 2, 100.0, 10.0, "as measured")
GPU = Machine("cuda", "bfloat16", 8, 50_000.0, 700_000.0, "as measured")
SMOL = Shape(134_515_008, 106_168_320, 2_442_240 // 8, 30, 576, 1536, 576, 192, 49_152)
SETTINGS = Train(rank=4, tokens_per_step=80, learning_rate=0.01, epochs=2, dropout=0.2)


def chosen(machine: Machine, free: int | None, **settings: Any) -> Choices:
    return choose(Train(**settings), machine, SMOL, 150, 10**6, free).choices


def trained(folder: Path, choices: Choices | None = None, say: Any = print) -> tuple[Any, TrainReport]:
    model = attach(load_model(folder), SETTINGS, 0)
    plan = one_row_packs(token_rows(), SETTINGS, 0)
    return model, train(model, token_rows(), plan, SETTINGS, 0, say=say, choices=choices)


def test_with_enough_memory_a_cpu_takes_what_pays_and_a_gpu_a_whole_step() -> None:
    assert chosen(CPU, 10**11).micro_batch_tokens == ON_A_CPU
    assert chosen(GPU, 10**11, tokens_per_step=8192).micro_batch_tokens == 8192
    assert chosen(CPU, None).micro_batch_tokens == ON_A_CPU
    assert choose(Train(), CPU, None, 150, 0, 10**11).need is None


def test_less_memory_means_fewer_tokens_and_then_checkpointing() -> None:
    found = [chosen(GPU, free, tokens_per_step=8192) for free in (10**11, 4 * 10**9, 2 * 10**9, 10**9)]
    assert [one.micro_batch_tokens for one in found] == sorted((c.micro_batch_tokens for c in found), reverse=True)
    assert not found[1].checkpointing
    assert found[1].micro_batch_tokens < 8192
    assert found[-1].checkpointing
    assert found[-1].micro_batch_tokens >= LEAST


def test_what_the_config_says_is_not_halved() -> None:
    found = chosen(GPU, 4 * 10**9, micro_batch_tokens=8192)
    assert (found.micro_batch_tokens, found.checkpointing) == (8192, True)


def test_every_choice_is_told_with_its_reason() -> None:
    told = choose(Train(), CPU, SMOL, 150, 10**6, 10**11)
    assert [line.split(":")[0] for line in told.reasons] == [
        "float32", "600 tokens at a time", "checkpointing", "attention", "kernels"
    ]  # fmt: skip
    assert choose(Train(dtype="bfloat16"), CPU, SMOL, 150, 0, None).reasons[0] == "bfloat16: train.dtype"


def test_a_gpu_in_bfloat16_takes_one_attention_kernel_for_all_rows() -> None:
    assert chosen(GPU, None).attention == "segment_fused"
    assert chosen(GPU, None, dtype="float32").attention == chosen(CPU, None).attention == "segment"


def test_all_rows_at_once_trains_on_a_cpu_row_by_row(tiny_model: Path) -> None:
    names = "segment", "segment_fused"
    plain, found = (trained(tiny_model, Choices("float32", 1, attention=name))[1] for name in names)
    assert [s.loss for s in found.steps] == [s.loss for s in plain.steps]


def test_compiling_is_for_long_trainings_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    many = 10**12
    assert not choose(Train(), CPU, SMOL, 150, many, None).choices.compiled
    assert choose(Train(), GPU, SMOL, 150, many, None).choices.compiled
    assert not choose(Train(), GPU, SMOL, 150, 10**6, None).choices.compiled
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert choose(Train(), GPU, SMOL, 150, many, None).choices.liger


def test_checkpointing_and_compiled_layers_compute_the_same(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true_compile = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: true_compile(self, backend="eager", **how))
    plain = trained(tiny_model, Choices("float32", 1))[1]
    for choices in (Choices("float32", 1, checkpointing=True), Choices("float32", 1, compiled=True)):
        found = trained(tiny_model, choices)[1]
        assert [s.loss for s in found.steps] == pytest.approx([s.loss for s in plain.steps], rel=1e-5)
        assert [s.grad_norm for s in found.steps] == pytest.approx([s.grad_norm for s in plain.steps], rel=1e-4)


def test_checkpointing_keeps_less_for_the_backward_pass(tiny_model: Path) -> None:
    def kept(checkpointing: bool) -> int:
        model = attach(load_model(tiny_model, attention="segment"), SETTINGS, 0)
        apply(model, Choices("float32", 1, checkpointing=checkpointing))
        model.train()
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.nbytes) or t, lambda t: t):
            step.packed_loss(model, token_rows())
        return sum(sizes)

    assert kept(True) < 0.5 * kept(False)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_memory_that_runs_out_halves_the_tokens_and_the_result_stays(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    true_loss = step.packed_loss

    def short_of_memory(model: Any, rows: Any, dtype: torch.dtype) -> Any:
        if sum(map(len, rows)) > 40:
            torch.rand(3)  # draws that the step must not miss when it is made anew
            raise error
        return true_loss(model, rows, dtype)

    monkeypatch.setattr(step, "packed_loss", short_of_memory)
    said: list[str] = []
    report = trained(tiny_model, Choices("float32", 1, 100), said.append)[1]
    assert report.choices is not None
    assert 1 < report.choices.micro_batch_tokens < 100
    assert said
    assert all("memory ran out" in line for line in said)
    monkeypatch.setattr(step, "packed_loss", true_loss)
    calm = trained(tiny_model, Choices("float32", 1, report.choices.micro_batch_tokens))[1]
    assert [s.loss for s in report.steps] == pytest.approx([s.loss for s in calm.steps], rel=1e-6)


def test_an_error_that_is_none_of_memorys_is_not_taken_for_one(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("sizes do not match")

    monkeypatch.setattr(trainer, "backward", broken)
    with pytest.raises(RuntimeError, match="sizes do not match"):
        trained(tiny_model)
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))


def test_after_halving_comes_checkpointing_and_then_the_row_is_named() -> None:
    rows = token_rows((30, 20, 50))
    first = with_less_memory(Choices("float32", 1, 60), rows)
    assert (first.micro_batch_tokens, first.checkpointing) == (25, False)
    second = with_less_memory(first, rows)
    assert second.checkpointing
    with pytest.raises(TrainingError, match="one row of 50 tokens") as caught:
        with_less_memory(second, rows)
    assert caught.value.where == "row row-2"
