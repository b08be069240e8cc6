"""NEFTune: the noise of a row is the row's own, packed or not, and is there in training alone."""

import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_seq2seq import make_tiny_bart
from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_model
from tuneloom.train.adapters import attach
from tuneloom.train.checkpoint import Checkpoints, Origin, newest
from tuneloom.train.choices import Choices
from tuneloom.train.noise import noisy_embeddings
from tuneloom.train.trainer import train
from tuneloom.train.validation import Validation

SETTINGS = Train(rank=4, tokens_per_step=40, neftune=5.0)


def losses(folder: Path, settings: Train) -> list[float]:
    model = attach(load_model(folder), settings, 1)
    rows = token_rows((12, 4, 31, 7, 20, 5), vocabulary=100)
    return [step.loss for step in train(model, rows, one_row_packs(rows, settings, 1), settings, 1).steps]


def test_any_micro_batch_budget_has_the_same_noise(tiny_model: Path) -> None:
    alone, packed = (losses(tiny_model, SETTINGS.model_copy(update={"micro_batch_tokens": n})) for n in (1, 1000))
    assert packed == pytest.approx(alone, rel=1e-5)
    assert packed[0] != pytest.approx(losses(tiny_model, SETTINGS.model_copy(update={"neftune": 0.0}))[0], rel=1e-4)


def test_the_noise_reaches_alpha_by_the_root_of_length_and_width(tiny_model: Path) -> None:
    model = load_model(tiny_model).train()
    embeddings, ids = model.get_input_embeddings(), torch.arange(5, 21)[None]
    quiet = embeddings(ids).detach()
    with noisy_embeddings(model, 5.0):
        model.base_model(input_ids=ids, use_cache=False)
        drawn = (embeddings(ids).detach() - quiet).abs()
    assert 0.9 < float(drawn.max()) / (5 / (16 * 32) ** 0.5) <= 1
    assert torch.equal(embeddings(ids), quiet), "and none is left after the block"


def test_evaluation_hears_no_noise(tiny_model: Path) -> None:
    model = load_model(tiny_model)
    wanted = row_losses(model, token_rows())
    with noisy_embeddings(model, 5.0):
        assert row_losses(model, token_rows()) == wanted


def test_an_encoder_decoders_input_is_noisy(tmp_path: Path) -> None:
    """The layer that T5 names as its embeddings is never called."""
    folder = make_tiny_bart(tmp_path)
    quiet, noisy = (losses(folder, SETTINGS.model_copy(update={"neftune": alpha})) for alpha in (0.0, 5.0))
    assert noisy[0] != pytest.approx(quiet[0], rel=1e-5)


def test_embeddings_that_are_never_called_are_noticed(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lent = torch.nn.Embedding(4, 4)
    monkeypatch.setattr("tuneloom.train.noise._embeddings", lambda model: lent)
    with pytest.raises(TrainingError, match="NEFTune's noise reached no embedding") as caught:
        losses(tiny_model, SETTINGS)
    assert "train.neftune: 0" in caught.value.remedy


def test_no_noise_is_no_hook(tiny_model: Path) -> None:
    model: Any = load_model(tiny_model)
    with noisy_embeddings(model, 0.0):
        assert not model.get_input_embeddings()._forward_hooks


def test_a_training_that_was_stopped_after_its_last_step_ends_without_noise(tiny_model: Path, tmp_path: Path) -> None:
    """Nothing is left to train, so no embedding is called; that is no fault."""
    rows, settings = token_rows((12, 4, 31), vocabulary=100), SETTINGS
    plan = one_row_packs(rows, settings, 1)
    at = Checkpoints(tmp_path, Origin.here("cpu"), Choices("float32", 1), least_seconds=0, share=math.inf)
    full = Validation(token_rows((9,), vocabulary=100), ["a"], len(plan))
    former = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(TrainingError, match="stopped by SIGTERM"):
            train(
                attach(load_model(tiny_model), settings, 1), rows, plan, settings, 1,
                on_step=lambda report: signal.raise_signal(signal.SIGTERM) if report.step == len(plan) else None,
                checkpoints=at, validation=full,
            )  # fmt: skip
    finally:
        signal.signal(signal.SIGTERM, former)
    left = newest(tmp_path, "cpu", lambda line: None)
    assert left is not None
    assert left.step == len(plan)
    again = attach(load_model(tiny_model), settings, 1)
    assert len(train(again, rows, plan, settings, 1, resumed=left, validation=full).validations) == 1
