"""A step is the same however its rows are laid out: padded, packed, cut anywhere; in float32, float64 and bfloat16.

The reference is what a user of transformers writes: rows padded to the longest, labels of -100, torch's cross-entropy
over full logits. Several processes: test_ranks.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.token_rows import one_row_packs, token_rows
from tests.tuneloom.models.test_loss import padded_loss
from tuneloom.config import Train
from tuneloom.models import attention
from tuneloom.models import loss as losses
from tuneloom.models.load import load_model
from tuneloom.models.token_row import TokenRow
from tuneloom.train.adapters import attach
from tuneloom.train.batches import Step
from tuneloom.train.schedule import learning_rate
from tuneloom.train.step import optimiser
from tuneloom.train.trainer import train

LENGTHS = (12, 3, 31, 7, 20, 2, 44, 9)
BUDGETS = (1, 25, 60, 10_000)
SETTINGS = Train(rank=4, tokens_per_step=64, learning_rate=0.005, warmup=0.1)


def curve(
    model: Any, rows: Sequence[TokenRow], plan: Sequence[Step], settings: Train, dtype: str = "float32"
) -> list[tuple[float, float]]:
    """Loss and gradient norm of each step of our training."""
    return [(step.loss, step.grad_norm) for step in train(model, rows, plan, settings, 0, dtype).steps]


def padded_curve(
    model: Any, rows: Sequence[TokenRow], plan: Sequence[Step], settings: Train, dtype: str = "float32"
) -> list[tuple[float, float]]:
    """The same of a plain loop over padded batches, each step one batch."""
    model.train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    steps, found = optimiser(model, settings), []
    for number, step in enumerate(plan):
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = padded_loss(model, [rows[place] for place in step.rows]) / step.supervised
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, settings.max_grad_norm)
        found.append((loss.item(), float(norm)))
        for group in steps.param_groups:
            group["lr"] = learning_rate(number, len(plan), settings)
        steps.step()
        steps.zero_grad()
    return found


def trainee(folder: Path, settings: Train) -> Any:
    """The model to train; the adapter's B is not 0, as it is at first, so that every gradient counts from the start."""
    model = attach(load_model(folder), settings, 0)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return model


def settings_of(method: str, **change: Any) -> Train:
    return SETTINGS.model_copy(update={"method": method, **change})


@pytest.mark.parametrize("method", ["lora", "full"])
def test_any_budget_has_the_loss_and_gradient_norm_of_padded_rows_in_float32_and_float64(
    tiny_model: Path, method: str
) -> None:
    rows, settings = token_rows(LENGTHS), settings_of(method, tokens_per_step=10_000)
    plan = one_row_packs(rows, settings, 0)
    padded = padded_curve(trainee(tiny_model, settings), rows, plan, settings)
    exact = padded_curve(trainee(tiny_model, settings).double(), rows, plan, settings)
    for budget in BUDGETS:
        cut = settings.model_copy(update={"micro_batch_tokens": budget})
        ours = curve(trainee(tiny_model, settings), rows, plan, cut)
        assert ours[0] == pytest.approx(padded[0], rel=1e-5)
        assert ours[0] == pytest.approx(exact[0], rel=1e-5)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_in_bfloat16_any_budget_has_the_loss_of_padded_rows_in_bfloat16(tiny_model: Path, method: str) -> None:
    rows, settings = token_rows((*LENGTHS, *LENGTHS)), settings_of(method, tokens_per_step=10_000)
    plan = one_row_packs(rows, settings, 0)
    padded = padded_curve(trainee(tiny_model, settings), rows, plan, settings, "bfloat16")
    for budget in BUDGETS:
        cut = settings.model_copy(update={"micro_batch_tokens": budget})
        ours = curve(trainee(tiny_model, settings), rows, plan, cut, "bfloat16")
        assert ours[0][0] == pytest.approx(padded[0][0], rel=1e-3)


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("budget", [25, 10_000])
def test_fifty_steps_follow_the_curve_of_padded_rows(tiny_model: Path, method: str, budget: int) -> None:
    settings = settings_of(method, epochs=40.0, micro_batch_tokens=budget)
    rows = token_rows(LENGTHS)
    plan = one_row_packs(rows, settings, 0)[:50]
    assert len(plan) == 50
    ours = curve(trainee(tiny_model, settings), rows, plan, settings)
    padded = padded_curve(trainee(tiny_model, settings), rows, plan, settings)
    assert ours[-1][0] < 0.9 * ours[0][0], "it learns, so there is a curve to follow"
    assert [loss for loss, _ in ours] == pytest.approx([loss for loss, _ in padded], rel=1e-3)


def test_no_mask_is_built_and_no_score_of_two_rows(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of N x N for N tokens of a line: sdpa sees one row at a time, and no mask."""
    seen: list[int] = []
    plain = torch.nn.functional.scaled_dot_product_attention

    def watched(query: torch.Tensor, *given: Any, **named: Any) -> torch.Tensor:
        assert named.get("attn_mask") is None
        assert len(given) == 2
        seen.append(query.shape[2])
        return plain(query, *given, **named)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    model, rows = load_model(tiny_model), token_rows(LENGTHS)
    with attention.attention_of(model, attention.SEGMENT):
        losses.packed_loss(model, rows)[0].backward()
    assert seen == [*LENGTHS, *LENGTHS], "two layers"


def test_logits_exist_at_supervised_positions_only_a_chunk_at_a_time(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    plain = losses._losses_and_slope

    def watched(logits: torch.Tensor, targets: torch.Tensor) -> Any:
        seen.append(tuple(logits.shape))
        return plain(logits, targets)

    monkeypatch.setattr(losses, "_losses_and_slope", watched)
    monkeypatch.setattr(losses, "CHUNK", 16)
    model, rows = load_model(tiny_model), token_rows(LENGTHS)
    model.lm_head.register_forward_hook(lambda *_: pytest.fail("the model made logits of its own"))
    with attention.attention_of(model, attention.SEGMENT):
        _, count = losses.packed_loss(model, rows)
    vocabulary = model.config.vocab_size
    assert [rows_in for rows_in, _ in seen] == [16] * (count // 16) + [count % 16] * (count % 16 > 0)
    assert {wide for _, wide in seen} == {vocabulary}
    assert count == sum(int(np.count_nonzero(row.loss_mask[1:])) for row in rows)
