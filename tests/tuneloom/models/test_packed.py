"""Rows in one line are computed as if alone; the shipped check finds every known way in which they are not."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from tests.token_rows import token_rows
from tuneloom.errors import TrainingError
from tuneloom.models import packed
from tuneloom.models.attention import attention_of
from tuneloom.models.load import load_model
from tuneloom.models.loss import packed_loss, supervised_positions
from tuneloom.models.packed import check_apart, micro_batches, packed_hidden
from tuneloom.models.token_row import TokenRow

SMALL = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
    "pad_token_id": 0,
}


def test_micro_batches_keep_order_and_budget() -> None:
    lengths = [[len(row) for row in batch] for batch in micro_batches(token_rows((300, 200, 400, 900)), 600)]
    assert lengths == [[300, 200], [400], [900]]


@given(st.lists(st.integers(2, 40), max_size=30), st.integers(1, 100))
def test_micro_batches_lose_nothing_and_never_pass_the_budget_together(lengths: list[int], budget: int) -> None:
    rows = token_rows(lengths)
    batches = list(micro_batches(rows, budget))
    assert list(chain.from_iterable(batches)) == rows
    assert all(len(batch) == 1 or sum(map(len, batch)) <= budget for batch in batches)


def test_packed_states_are_those_of_each_row_alone(tiny_model: Path) -> None:
    model, rows = load_model(tiny_model), token_rows()
    with torch.no_grad(), attention_of(model, "segment"):
        together = packed_hidden(model, rows)
        alone = torch.cat([packed_hidden(model, [row]) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["Llama", "Qwen2", "Qwen3", "Mistral", "Phi3", "Olmo2"])
def test_these_families_train_packed(family: str) -> None:
    model = getattr(transformers, f"{family}ForCausalLM")(getattr(transformers, f"{family}Config")(**SMALL)).eval()
    check_apart(model, token_rows())


def mean_loss(model: Any, lines: Sequence[Sequence[TokenRow]], attention: str) -> torch.Tensor:
    """Nats a supervised token of rows that share `lines`, by the model's own forward under an attention function."""
    total, tokens = torch.zeros(()), 0
    for rows in lines:
        if attention == "segment":
            with attention_of(model, attention):
                loss, count = packed_loss(model, rows)
        else:
            ids = torch.cat([torch.from_numpy(row.ids.astype("int64")) for row in rows])
            positions = torch.cat([torch.arange(len(row)) for row in rows])[None]
            with attention_of(model, attention):
                logits = model(input_ids=ids[None], position_ids=positions, use_cache=False).logits[0]
            source, targets = supervised_positions(rows)
            count = len(targets)
            loss = -logits.log_softmax(1)[torch.from_numpy(source), torch.from_numpy(targets)].sum()
        total, tokens = total + loss, tokens + count
    return total / tokens


@pytest.mark.parametrize("family", ["Llama", "Qwen3"])
@pytest.mark.parametrize("attention", ["eager", "sdpa", "flex_attention", "segment"])
def test_packed_loss_and_gradients_are_those_of_rows_alone_under_every_attention(family: str, attention: str) -> None:
    """Causal models, float32: the loss to 1e-5 relative, gradients to 1e-4 of their norm, against sdpa unpacked."""
    model = getattr(transformers, f"{family}ForCausalLM")(getattr(transformers, f"{family}Config")(**SMALL)).train()
    rows = token_rows()
    alone = mean_loss(model, [[row] for row in rows], "sdpa")
    wanted = torch.autograd.grad(alone, list(model.parameters()))
    learns = attention != "flex_attention"  # torch has no backward of flex_attention on the CPU
    with torch.set_grad_enabled(learns), torch.compiler.set_stance("force_eager"):  # compiling takes minutes here
        packed_in_two = mean_loss(model, [rows[:4], rows[4:]], attention)
    assert packed_in_two.item() == pytest.approx(alone.item(), rel=1e-5)
    if learns:
        found = torch.autograd.grad(packed_in_two, list(model.parameters()))
        for one, other in zip(found, wanted, strict=True):
            assert float((one - other).norm()) <= 1e-4 * float(other.norm()) + 1e-7


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_rows_of_a_line_that_see_each_other_change_the_loss(attention: str) -> None:
    """So the test above can fail: with the cache left on transformers builds no mask between rows."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**SMALL, "initializer_range": 0.5})).eval()
    rows = token_rows()
    with torch.no_grad():
        alone = mean_loss(model, [[row] for row in rows], attention)
        forward, model.forward = model.forward, lambda **given: forward(**{**given, "use_cache": True})
        assert abs(mean_loss(model, [rows], attention) - alone) > 1e-2


def leaking(**wrong: Any) -> Any:
    """The forward that a careless trainer would write: packed ids, restarting positions, and a mistake."""

    def hidden(model: Any, rows: Sequence[TokenRow]) -> torch.Tensor:
        ids = torch.cat([torch.from_numpy(row.ids.astype("int64")) for row in rows])[None]
        positions = torch.cat([torch.arange(len(row)) for row in rows])[None]
        options = {name: value(ids) if callable(value) else value for name, value in wrong.items()}
        with attention_of(model, "sdpa"):
            return model.base_model(input_ids=ids, position_ids=positions, **options).last_hidden_state[0]

    return hidden


@pytest.mark.parametrize(
    "wrong", [{"use_cache": True}, {"use_cache": False, "attention_mask": torch.ones_like}], ids=["cache", "ones"]
)
def test_transformers_leak_between_packed_rows_is_caught(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict
) -> None:
    monkeypatch.setattr(packed, "packed_hidden", leaking(**wrong))
    with pytest.raises(TrainingError, match="packed rows get other logits"):
        check_apart(load_model(tiny_model), token_rows())


def test_transformers_own_packing_passes_the_same_check(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "packed_hidden", leaking(use_cache=False))
    check_apart(load_model(tiny_model), token_rows())


def test_a_head_that_scales_its_logits_is_caught() -> None:
    config = transformers.GraniteConfig(**SMALL, logits_scaling=8.0)
    with pytest.raises(TrainingError, match="GraniteForCausalLM"):
        check_apart(transformers.GraniteForCausalLM(config).eval(), token_rows())
