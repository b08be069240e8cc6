"""Copies in another layout multiply as the weights do, adapters in them, and leave no trace."""

import contextlib
from pathlib import Path
from types import SimpleNamespace

import peft
import pytest
import torch

from tests.tuneloom.models.test_asks import alone, check, some_asks
from tuneloom.models import blocked
from tuneloom.models.blocked import PAYS, blocked_weights
from tuneloom.models.load import load_model

needs_onednn = pytest.mark.skipif(not blocked._possible(), reason="this machine has no oneDNN for x86")


def replaced(model) -> int:
    return sum("forward" in vars(module) for module in model.modules())


@pytest.fixture
def model(tiny_model: Path):
    return load_model(tiny_model)


def adapted(model, **more):
    """A LoRA adapter on every linear layer, not zero."""
    torch.manual_seed(0)
    model = peft.get_peft_model(model, peft.LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", **more)).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@needs_onednn
@pytest.mark.parametrize("bias", [False, True])
@torch.no_grad()
def test_products_are_those_of_the_layer(bias: bool) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(48, 100, bias=bias)
    inputs = [torch.randn(*shape, 48) for shape in ((1,), (3,), (33,), (1, 600), (2, 5))]
    inputs += [torch.randn(48, 7).T, torch.randn(9, 2, 48)[:, 1]]  # strided
    wanted = [layer(x) for x in inputs]
    with blocked_weights(torch.nn.ModuleList([layer]), PAYS):
        assert replaced(layer) == 1
        found = [layer(x) for x in inputs]
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@needs_onednn
@pytest.mark.parametrize("more", [{}, {"use_rslora": True}, {"lora_bias": True}, {"use_dora": True}])
@torch.no_grad()
def test_adapters_count_where_they_are_on_and_only_there(model, more) -> None:
    ids, model = torch.arange(3, 40)[None], adapted(model, **more)
    wanted = model(ids).logits
    with model.disable_adapter():
        plain = model(ids).logits
    assert float((wanted - plain).abs().max()) > 0.1
    with blocked_weights(model, PAYS):
        torch.testing.assert_close(model(ids).logits, wanted, rtol=1e-3, atol=1e-3)
    with model.disable_adapter(), blocked_weights(model, PAYS):
        assert replaced(model)
        torch.testing.assert_close(model(ids).logits, plain, rtol=1e-3, atol=1e-3)


@needs_onednn
def test_the_model_is_as_it_was_even_after_an_error(model) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with contextlib.suppress(KeyError), blocked_weights(model, PAYS):
        assert replaced(model)
        raise KeyError
    assert replaced(model) == 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@needs_onednn
def test_answers_and_likelihoods_are_those_of_each_row_alone(model, monkeypatch) -> None:
    monkeypatch.setattr(blocked, "PAYS", 1)
    model, asks = adapted(model), some_asks((5, 17, 2, 9, 30), shared=3)
    check(model, asks, [alone(model, ask, set()) for ask in asks], set())


@pytest.mark.parametrize(("tokens", "free"), [(PAYS - 1, 1 << 40), (PAYS, 1 << 10)])
def test_nothing_is_copied_for_few_tokens_or_where_memory_is_short(model, monkeypatch, tokens: int, free: int) -> None:
    monkeypatch.setattr(blocked.psutil, "virtual_memory", lambda: SimpleNamespace(available=free))
    with blocked_weights(model, tokens):
        assert replaced(model) == 0


def test_weights_in_another_format_and_layers_that_something_else_runs_are_left(model) -> None:
    with blocked_weights(model.to(torch.bfloat16), PAYS):
        assert replaced(model) == 0
    layer = torch.nn.Linear(4, 4)
    layer.forward = own = lambda x: x  # type: ignore[method-assign]
    with blocked_weights(torch.nn.ModuleList([layer]), PAYS):
        assert layer.forward is own
    assert layer.forward is own
