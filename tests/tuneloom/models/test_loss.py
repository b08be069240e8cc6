"""The chunked loss and its gradients are those of torch, for hidden states and for the head."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.token_rows import token_rows
from tuneloom.config import Train
from tuneloom.errors import ConfigError
from tuneloom.models import loss as losses
from tuneloom.models.attention import attention_of
from tuneloom.models.load import load_model
from tuneloom.models.loss import SummedCrossEntropy, head_of, packed_loss, supervised_positions, token_losses
from tuneloom.models.token_row import TokenRow
from tuneloom.train.adapters import attach


def padded_loss(model: Any, rows: list[TokenRow]) -> torch.Tensor:
    """What transformers users compute: right-padded batch, mask, labels of -100; summed, in the model's dtype."""
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.int64)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for place, row in enumerate(rows):
        n = len(row)
        ids[place, :n], mask[place, :n] = torch.from_numpy(row.ids.astype("int64")), 1
        labels[place, :n] = torch.where(torch.from_numpy(row.loss_mask).bool(), ids[place, :n], -100)
    with attention_of(model, "sdpa"):
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1]
    return F.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum")


def our_loss(model: Any, rows: list[TokenRow]) -> torch.Tensor:
    with attention_of(model, "segment"):
        return packed_loss(model, rows)[0]


def test_the_supervised_positions_are_those_before_the_learnt_tokens() -> None:
    rows = [
        TokenRow("a", *(torch.tensor(x).numpy() for x in ([1, 7, 9, 2], [0, 0, 1, 1]))),
        TokenRow("b", *(torch.tensor(x).numpy() for x in ([1, 5], [1, 1]))),
    ]
    source, targets = supervised_positions(rows)
    assert source.tolist() == [1, 2, 4]  # never across the rows: the 1 of the second row has no predecessor
    assert targets.tolist() == [9, 2, 5]


def test_packed_equals_padded_and_float64(tiny_model: Path) -> None:
    model, rows = load_model(tiny_model), token_rows()
    with torch.no_grad():
        ours, padded = our_loss(model, rows).item(), padded_loss(model, rows).item()
        exact = padded_loss(model.double(), rows).item()
    assert ours == pytest.approx(padded, rel=1e-5)
    assert ours == pytest.approx(exact, rel=1e-5)


def test_bfloat16_autocast_equals_transformers_under_autocast(tiny_model: Path) -> None:
    model, rows = load_model(tiny_model), token_rows()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        padded = padded_loss(model, rows).item()
        with attention_of(model, "segment"):
            ours = packed_loss(model, rows, torch.bfloat16)[0].item()
    assert ours == pytest.approx(padded, rel=5e-3)


@pytest.mark.parametrize("tied", [True, False])
def test_full_tuning_gets_every_gradient_that_torch_makes_the_head_included(tiny_model: Path, tied: bool) -> None:
    model, rows = load_model(tiny_model), token_rows()
    if not tied:
        model.config.tie_word_embeddings = False
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    attach(model, Train(method="full"), 0)
    (padded_loss(model, rows) / 3).backward()
    wanted = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    (our_loss(model, rows) / 3).backward()
    assert head_of(model).grad is not None
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, wanted[name], rtol=1e-4, atol=1e-4 * float(wanted[name].abs().max()))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 9), st.floats(0.1, 30))
def test_any_chunk_gives_torchs_loss_and_gradients(count: int, chunk: int, spread: float) -> None:
    torch.manual_seed(count)
    hidden = (torch.randn(count, 8) * spread).requires_grad_()
    head = torch.randn(50, 8, requires_grad=True)
    targets = torch.randint(0, 50, (count,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "CHUNK", chunk)
        ours = SummedCrossEntropy.apply(hidden, head, targets, torch.float32)
        each = token_losses(hidden, head, targets)
    wanted = F.cross_entropy(hidden.double() @ head.double().t(), targets, reduction="none")
    torch.testing.assert_close(each.double(), wanted, rtol=1e-4, atol=1e-4)
    found = torch.autograd.grad(ours * 0.5, (hidden, head))
    expected = torch.autograd.grad(wanted.sum() * 0.5, (hidden, head))
    assert ours.item() == pytest.approx(wanted.sum().item(), rel=1e-5, abs=1e-4)
    for ours_grad, torch_grad in zip(found, expected, strict=True):
        torch.testing.assert_close(ours_grad, torch_grad, rtol=1e-3, atol=1e-4 * spread)


def test_a_frozen_head_costs_no_gradient() -> None:
    head = torch.randn(50, 8)
    hidden = torch.randn(4, 8, requires_grad=True)
    SummedCrossEntropy.apply(hidden, head, torch.arange(4), torch.float32).backward()
    assert head.grad is None
    assert hidden.grad.abs().sum() > 0


def test_a_head_that_is_more_than_a_matrix_is_refused(tiny_model: Path) -> None:
    model = load_model(tiny_model)
    model.lm_head = torch.nn.Linear(32, 400, bias=True)
    with pytest.raises(ConfigError, match="not one plain matrix"):
        head_of(model)
