"""A row's loss is its own: whatever shares its line, in whatever budget."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.token_rows import token_rows
from tests.tuneloom.models.test_loss import padded_loss
from tuneloom.errors import TrainingError
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_model
from tuneloom.models.token_row import TokenRow


@pytest.fixture(scope="module")
def model(tiny_model: Path):
    return load_model(tiny_model)


def test_losses_are_transformers_for_each_row_in_order(model) -> None:
    rows = token_rows()
    found = row_losses(model, rows)
    assert [loss.id for loss in found] == [row.id for row in rows]
    with torch.no_grad():
        for loss, row in zip(found, rows, strict=True):
            assert loss.sum == pytest.approx(padded_loss(model, [row]).item(), rel=1e-5)
            assert loss.tokens == row.loss_mask[1:].sum()
            assert loss.mean == pytest.approx(loss.sum / loss.tokens)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 90))
def test_any_budget_gives_the_same_losses(model, budget: int) -> None:
    rows = token_rows()
    wanted = [loss.sum for loss in row_losses(model, rows, 1)]
    assert [loss.sum for loss in row_losses(model, rows, budget)] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("changed", range(3))
def test_changing_one_row_of_a_pack_changes_no_other_rows_loss(model, changed: int) -> None:
    rows, others = token_rows((9, 14, 6)), token_rows((9, 14, 6), seed=1)
    before = row_losses(model, rows)
    after = row_losses(model, [*rows[:changed], others[changed], *rows[changed + 1 :]])
    for place in range(3):
        same = after[place].sum == pytest.approx(before[place].sum, rel=1e-6)
        assert same == (place != changed)


def test_a_row_without_supervised_tokens_has_no_mean(model) -> None:
    silent = TokenRow("silent", np.array([5, 6, 7], np.int32), np.zeros(3, np.uint8))
    first, loss, last = row_losses(model, [token_rows()[0], silent, token_rows()[1]])
    assert (loss.sum, loss.tokens, loss.mean) == (0.0, 0, None)
    assert first.tokens > 0
    assert last.tokens > 0
    assert row_losses(model, []) == []


def test_the_models_mode_and_attention_are_given_back(model) -> None:
    model.train()
    row_losses(model, token_rows())
    assert model.training
    assert model.config._attn_implementation == "sdpa"
    model.eval()


def test_a_broken_model_names_the_row(tiny_model: Path) -> None:
    broken = load_model(tiny_model)
    with torch.no_grad():
        broken.model.embed_tokens.weight[7] = float("nan")
    with pytest.raises(TrainingError, match="row-0"):
        row_losses(broken, token_rows())
