"""A parameter that does not learn, a loss that is no number, a loss that runs away: each stops with names."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models import loss as loss_module
from tuneloom.models.load import load_model
from tuneloom.train.adapters import attach
from tuneloom.train.trainer import train
from tuneloom.train.watch import GradientCheck, check_loss, check_numbers, runs_away


def factors(a: float, b: float) -> GradientCheck:
    """A layer with LoRA's two factors, each a vector of one value."""
    return GradientCheck(
        {f"layer.lora_{n}.weight": torch.nn.Parameter(torch.full((2,), v)) for n, v in zip("AB", (a, b), strict=True)}
    )


def backward(check: GradientCheck) -> None:
    a, b = check.missing["layer.lora_A.weight"], check.missing["layer.lora_B.weight"]
    (a * b).sum().backward()


@pytest.mark.parametrize(("a", "b"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_factor_that_is_multiplied_by_0_may_have_its_gradient_in_the_second_step(a: float, b: float) -> None:
    check = factors(a, b)
    first, second = check.missing.values()
    (first * second).sum().backward()
    check.look()
    assert list(check.missing) == [f"layer.lora_{'A' if b == 0 else 'B'}.weight"]
    with torch.no_grad():
        for parameter in (first, second):
            parameter += 1
            parameter.grad = None
    (first * second).sum().backward()
    check.look()
    assert not check.missing


def test_two_factors_that_both_begin_apart_from_0_must_have_theirs_in_the_first() -> None:
    """As PiSSA's do."""
    check = factors(1.0, 1.0)
    check.missing["layer.lora_B.weight"].sum().backward()
    with pytest.raises(TrainingError, match="1 trainable parameters got no gradient by step 1") as caught:
        check.look()
    assert caught.value.where == "layer.lora_A.weight"


def test_a_factor_without_a_gradient_in_the_second_step_stops_the_training() -> None:
    check = factors(1.0, 0.0)
    backward(check)
    check.look()
    with pytest.raises(TrainingError, match="by step 2"):
        check.look()


def test_what_is_no_factor_must_have_its_gradient_in_the_first_step() -> None:
    used, unused = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    check = GradientCheck({"used": used, "unused": unused})
    used.sum().backward()
    with pytest.raises(TrainingError, match="would be saved untrained") as caught:
        check.look()
    assert caught.value.where == "unused"


@pytest.mark.parametrize("settings", [Train(method="full"), Train(modules_to_save=("lm_head",))])
def test_a_loss_that_leaves_the_head_out_is_noticed_where_the_head_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Train
) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=512, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        tie_word_embeddings=False,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    real = loss_module.SummedCrossEntropy.backward

    def headless(ctx: Any, upstream: torch.Tensor) -> Any:
        hidden, _, *rest = real(ctx, upstream)
        return hidden, None, *rest

    monkeypatch.setattr(loss_module.SummedCrossEntropy, "backward", staticmethod(headless))
    with pytest.raises(TrainingError, match="got no gradient by step 1") as caught:
        train(
            attach(load_model(tmp_path), settings, 0),
            token_rows(),
            one_row_packs(token_rows(), settings, 0),
            settings,
            0,
        )
    assert "lm_head" in caught.value.where


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_told_with_its_rows(value: float) -> None:
    with pytest.raises(TrainingError, match="the loss is") as caught:
        check_loss(value, token_rows()[:2])
    assert caught.value.where == "rows row-0, row-1"
    with pytest.raises(TrainingError, match=r"the gradient's norm is .* in step 3"):
        check_numbers(2, 1.0, value, [1.0, 1.0], token_rows())


def test_of_many_rows_twenty_are_named() -> None:
    with pytest.raises(TrainingError) as caught:
        check_loss(float("nan"), token_rows([3] * 25))
    assert caught.value.where.endswith("row-19 and 5 more")


def test_a_loss_is_judged_against_its_lowest_part_and_not_its_start() -> None:
    learnt = [8.0, 5.0, 3.0, *[1.5] * 10]
    assert runs_away(learnt) is None
    assert runs_away([*learnt, *[7.0] * 5]) == "the loss ran away: 1.50 at its lowest, 7.00 by step 18"
    with pytest.raises(TrainingError, match="ran away") as caught:
        check_numbers(17, 7.0, 1.0, [*learnt, *[7.0] * 4], token_rows())
    assert "train.learning_rate" in caught.value.remedy


def test_one_hard_batch_is_no_running_away() -> None:
    assert runs_away([2.0] * 10 + [9.0] + [2.0] * 3) is None


@given(st.lists(st.floats(0.0, 4.0), max_size=50))
def test_a_loss_below_four_nats_never_runs_away(losses: list[float]) -> None:
    assert runs_away(losses) is None
