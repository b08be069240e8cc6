"""Training learns, gives the same for any micro-batch budget, and stops with names where it goes wrong."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_model
from tuneloom.models.packed import packed_hidden
from tuneloom.train.adapters import attach
from tuneloom.train.batches import Step
from tuneloom.train.reports import StepReport, TrainReport
from tuneloom.train.trainer import shortest, train

SETTINGS = Train(rank=4, tokens_per_step=40, learning_rate=0.02, epochs=4)


def trained(folder: Path, settings: Train = SETTINGS, seed: int = 0, **options: Any) -> tuple[Any, TrainReport]:
    model = attach(load_model(folder), settings, seed)
    return model, train(model, token_rows(), one_row_packs(token_rows(), settings, seed), settings, seed, **options)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_the_loss_falls_and_each_step_is_reported(tiny_model: Path) -> None:
    told: list[StepReport] = []
    before = sum(loss.sum for loss in row_losses(load_model(tiny_model), token_rows()))
    model, report = trained(tiny_model, on_step=told.append)
    assert sum(loss.sum for loss in row_losses(model, token_rows())) < 0.9 * before
    assert tuple(told) == report.steps
    assert [step.step for step in told] == list(range(1, told[0].steps + 1))
    assert report.tokens == 4 * sum(map(len, token_rows()))
    assert report.supervised_tokens == 4 * sum(int(row.loss_mask[1:].sum()) for row in token_rows())
    assert (report.dtype, report.device) == ("float32", "cpu")
    assert report.peak_rss_bytes > 10**8
    assert not model.training


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_micro_batch_budget_changes_nothing(tiny_model: Path, method: str) -> None:
    settings = SETTINGS.model_copy(update={"method": method, "learning_rate": 0.001})
    runs = [trained(tiny_model, settings.model_copy(update={"micro_batch_tokens": n}))[1] for n in (1, 25, 10_000)]
    for report in runs[1:]:
        assert [s.loss for s in report.steps] == pytest.approx([s.loss for s in runs[0].steps], rel=1e-5)
        assert [s.grad_norm for s in report.steps] == pytest.approx([s.grad_norm for s in runs[0].steps], rel=1e-4)


def test_a_steps_loss_is_the_mean_over_all_its_supervised_tokens(tiny_model: Path) -> None:
    settings = SETTINGS.model_copy(update={"tokens_per_step": 10_000, "epochs": 1.0})
    losses = row_losses(load_model(tiny_model), token_rows())
    step = trained(tiny_model, settings)[1].steps[0]
    assert step.loss == pytest.approx(sum(loss.sum for loss in losses) / sum(loss.tokens for loss in losses), rel=1e-6)
    assert step.supervised_tokens == sum(loss.tokens for loss in losses)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tiny_model: Path, dropout: float) -> None:
    settings = SETTINGS.model_copy(update={"dropout": dropout})
    first, again, other = (weights(trained(tiny_model, settings, seed)[0]) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_bfloat16_autocast_keeps_float32_weights_and_comes_near(tiny_model: Path) -> None:
    model, report = trained(tiny_model, dtype="bfloat16")
    assert report.dtype == "bfloat16"
    assert {tensor.dtype for tensor in weights(model).values()} == {torch.float32}
    exact = trained(tiny_model)[1]
    assert report.steps[0].loss == pytest.approx(exact.steps[0].loss, rel=0.02)
    assert report.steps[-1].loss == pytest.approx(exact.steps[-1].loss, rel=0.1)


def test_a_model_whose_packed_rows_see_each_other_is_not_trained(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaky(model: Any, rows: Any) -> torch.Tensor:
        hidden = packed_hidden(model, rows)
        return hidden + hidden.mean(0)

    monkeypatch.setattr("tuneloom.models.packed.packed_hidden", leaky)
    with pytest.raises(TrainingError, match="packed rows get other logits"):
        trained(tiny_model)


def test_the_proof_before_training_uses_a_few_short_rows() -> None:
    rows = token_rows((500, 90, 300, 7))
    plan = [Step((0, 1), 590, 0), Step((2, 3, 1), 397, 0)]
    assert [len(row) for row in shortest(rows, plan)] == [7, 64, 64]
