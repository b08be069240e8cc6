"""Slots prove themselves of every model before they are used: what they cannot do right is done another way."""

import numpy as np
import pytest
import torch

from tests.tuneloom.models.test_asks import alone, check, some_asks
from tuneloom.models import slots
from tuneloom.models.attention import attention_of
from tuneloom.models.load import load_model

SIZES = {
    "vocab_size": 400, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "initializer_range": 0.2, "pad_token_id": 0, "bos_token_id": 1,
    "eos_token_id": 2,
}  # fmt: skip


def made(name: str, **more):
    import transformers

    torch.manual_seed(0)
    kind = {"Gemma3": "Gemma3Text"}.get(name, name)
    config = getattr(transformers, f"{kind}Config")(**{**SIZES, **more})
    return getattr(transformers, f"{name}ForCausalLM")(config).eval()


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("Qwen3", {}),
        ("Mistral", {"sliding_window": 6}),
        ("Gemma3", {"sliding_window": 5, "layer_types": ["sliding_attention", "full_attention"]}),
        ("GPTNeoX", {}),
    ],
)
def test_architectures_get_their_own_answers_and_likelihoods(name: str, more) -> None:
    model, asks = made(name, **more), some_asks((5, 17, 2, 9, 30), shared=3)
    check(model, asks, [alone(model, ask, set()) for ask in asks], set(), slots=2)


@pytest.mark.parametrize(
    ("name", "more", "why"),
    [
        ("Lfm2", {"layer_types": ["conv", "full_attention"]}, "attention"),
        ("Gemma2", {"attn_logit_softcapping": 0.5, "final_logit_softcapping": 3.0}, "capped"),
        ("Gemma2", {"attn_logit_softcapping": None, "final_logit_softcapping": 3.0}, "differ"),
        ("Granite", {"logits_scaling": 3.0}, "differ"),
    ],
)
def test_architectures_that_slots_would_mistake_answer_one_row_at_a_time(name: str, more, why: str, caplog) -> None:
    """Their layers are no attention, their scores or logits capped, or divided outside of the head."""
    model, asks = made(name, **more), some_asks((5, 17, 2, 9, 30), shared=3)
    before = model.config._attn_implementation
    with attention_of(model, "eager"):
        free = [alone(model, ask, set()) for ask in asks]
        stops = {free[0][2][4], free[3][2][7]}
        wanted = [alone(model, ask, stops) for ask in asks]
    check(model, asks, wanted, stops)
    check(model, asks, wanted, stops)
    told = [record.getMessage() for record in caplog.records if record.name == slots.__name__]
    assert len(told) == 1, "told once"
    assert why in told[0]
    assert "\n" not in told[0]
    assert model.config._attn_implementation == before


def test_a_models_code_that_fails_in_slots_is_told_and_answers_alone(tiny_model, monkeypatch, caplog) -> None:
    def refuse(*_, **__):
        raise TypeError("forward() got an unexpected keyword argument 'slots'")

    model, asks = load_model(tiny_model), some_asks((5, 6))
    wanted = [alone(model, ask, set()) for ask in asks]
    monkeypatch.setattr(slots.Slots, "read", refuse)
    check(model, asks, wanted, set())
    assert "unexpected keyword" in caplog.text


@pytest.mark.parametrize("leak", ["later", "position"])
def test_the_proof_catches_slots_that_let_rows_see_what_they_should_not(tiny_model, monkeypatch, caplog, leak) -> None:
    if leak == "later":
        monkeypatch.setattr(slots, "_causal", lambda start, end, *_: torch.ones(end - start, end, dtype=torch.bool))
    else:
        start = slots.Run
        monkeypatch.setattr(slots, "Run", lambda slot, at, ids: start(slot, max(0, at - 1), ids))
    assert not slots.suited(load_model(tiny_model), [5, 9, 7, 8, 3, 11])
    assert "differ" in caplog.text


def test_a_slots_tokens_can_be_given_to_another(tiny_model) -> None:
    model, ids = load_model(tiny_model), np.random.default_rng(0).integers(3, 400, 9).tolist()
    slots.register_slot_attention()
    with torch.no_grad(), attention_of(model, slots.SLOTS):
        kept = slots.Slots(model, 3, 12)
        kept.read([slots.Run(2, 0, ids)])
        kept.move(2, 1, 9)
        runs = [slots.Run(slot, 9, [7, 8]) for slot in (1, 2)]
        a, b = kept.read(runs).split(2)
    assert torch.equal(a, b)
