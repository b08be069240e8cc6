"""The estimate of memory goes by what a model's files say, and comes near to what a training holds."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.token_rows import token_rows
from tuneloom.config import Train
from tuneloom.models.attention import attention_of
from tuneloom.models.load import load_model
from tuneloom.models.loss import packed_loss
from tuneloom.train.adapters import attach, count_trainable
from tuneloom.train.memory import Shape, Workload, flops, free_bytes, need, read_shape

LORA = Workload("lora", 8, "cuda", "float32", 600)


def shape_of(folder: Path) -> Shape:
    found = read_shape(folder)
    assert found is not None
    return found


def test_sizes_are_read_from_the_files_alone(tiny_model: Path) -> None:
    found = shape_of(tiny_model)
    model = load_model(tiny_model)
    assert found.parameters == count_trainable(model).total
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m is not model.lm_head]
    assert found.body == sum(layer.weight.numel() for layer in linear)
    assert 8 * found.sides == count_trainable(attach(model, Train(rank=8), 0)).trained
    assert (found.layers, found.hidden, found.inner, found.queries, found.keys) == (2, 32, 64, 32, 16)


def test_what_is_no_plain_decoder_has_no_estimate(tmp_path: Path) -> None:
    assert read_shape(tmp_path) is None
    (tmp_path / "config.json").write_text('{"is_encoder_decoder": true}')
    assert read_shape(tmp_path) is None


@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_what_a_layer_keeps_is_what_autograd_keeps(tiny_model: Path, method: str) -> None:
    model = attach(load_model(tiny_model), Train(rank=2, method=method), 0)
    model.train()
    rows, parameters = token_rows((60, 40)), {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters and tensor.shape != model.get_output_embeddings().weight.shape:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda t: t), attention_of(model, "segment"):
        loss, _ = packed_loss(model, rows)
    work = Workload(method, 2, "cpu", "float32", 100)
    assert need(shape_of(tiny_model), work).activations == pytest.approx(sum(kept.values()), rel=0.25)
    assert loss.requires_grad


def test_more_of_anything_needs_more_and_checkpointing_less(tiny_model: Path) -> None:
    shape = shape_of(tiny_model)
    peak = need(shape, LORA).peak
    for more in ({"tokens": 1200}, {"rank": 16}, {"method": "full"}, {"device": "cpu"}):
        assert need(shape, Workload(**{**vars(LORA), **more})).peak > peak, more
    assert need(shape, Workload(**{**vars(LORA), "checkpointing": True})).peak < peak


def test_products_are_counted_for_the_head_at_learnt_tokens_alone() -> None:
    shape = Shape(100, 60, 30, 1, 4, 8, 4, 4, 10)
    assert flops(shape, "lora", 5, 2) == 4 * (60 * 5 + 40 * 2)
    assert flops(shape, "full", 5, 2) == 6 * (60 * 5 + 40 * 2)


def test_the_machine_says_what_is_free() -> None:
    free = free_bytes("cpu")
    assert free is not None
    assert 0 < free < 10**14


REAL = """
import sys
import numpy as np
from tuneloom.config import Train
from tuneloom.models.load import load_model, model_folder
from tuneloom.models.resolve import resolve_model
from tuneloom.models.token_row import TokenRow
from tuneloom.train.adapters import attach
from tuneloom.train.batches import plan_steps
from tuneloom.train.choices import Choices
from tuneloom.train.memory import Workload, need, read_shape
from tuneloom.train.trainer import train

method = sys.argv[1]
folder = model_folder(resolve_model("smollm2-135m-instruct"))
settings = Train(method=method, tokens_per_step=600, learning_rate=1e-5)
random = np.random.default_rng(0)
rows = [
    TokenRow(f"{n}", random.integers(3, 49000, 150).astype(np.int32), (np.arange(150) > 37).astype(np.uint8))
    for n in range(8)
]
model = attach(load_model(folder), settings, 0)
plan = plan_steps(rows, [[n] for n in range(8)], 600, 1, None, 0)
report = train(model, rows, plan, settings, 0, choices=Choices("float32", 2, 300))
work = Workload(method, settings.rank, "cpu", "float32", 300, keeps_best=False)
print(need(read_shape(folder), work).peak / report.peak_rss_bytes)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_estimate_comes_near_the_real_models_peak(method: str) -> None:
    """In a process of its own; the band is wider than the 15 % aimed at, for heaps differ."""
    done = subprocess.run([sys.executable, "-c", REAL, method], capture_output=True, text=True, check=True)
    assert 0.75 < float(done.stdout.split()[-1]) < 1.3
