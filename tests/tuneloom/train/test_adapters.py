"""Adapters are float32, load in plain PEFT, and are stopped where they would be saved untrained."""

import json
from pathlib import Path

import pytest
import torch

from tests.token_rows import one_row_packs, token_rows
from tuneloom.config import Train
from tuneloom.errors import ConfigError
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_adapter, load_model
from tuneloom.train.adapters import Trainable, attach, count_trainable, save_trained
from tuneloom.train.trainer import train

QUICK = Train(rank=2, tokens_per_step=30, learning_rate=0.01, epochs=3)


def test_lora_trains_float32_matrices_of_the_linear_layers_alone(tiny_model: Path) -> None:
    model = attach(load_model(tiny_model, "bfloat16"), Train(rank=2), 0)
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {parameter.dtype for parameter in trained.values()} == {torch.float32}
    assert all("lora_" in name for name in trained)
    assert count_trainable(model).tensors == len(trained) == 2 * 7 * 2  # layers, linear layers in each, A and B


def test_full_training_frees_every_weight(tiny_model: Path) -> None:
    count = count_trainable(attach(load_model(tiny_model), Train(method="full"), 0))
    assert isinstance(count, Trainable)
    assert count.trained == count.total
    with pytest.raises(ConfigError, match="float32"):
        attach(load_model(tiny_model, "bfloat16"), Train(method="full"), 0)


def test_the_seed_decides_the_adapter_and_leaves_the_global_random_state(tiny_model: Path) -> None:
    def first_matrix(seed: int) -> torch.Tensor:
        model = attach(load_model(tiny_model), Train(rank=2), seed)
        return next(parameter for parameter in model.parameters() if parameter.requires_grad).detach()

    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(first_matrix(1), first_matrix(1))
    assert not torch.equal(first_matrix(1), first_matrix(2))
    assert torch.equal(torch.rand(1), wanted)


def test_a_trained_adapter_loads_in_plain_peft_with_equal_logits(tiny_model: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = attach(load_model(tiny_model), QUICK, 0)
    train(model, token_rows(), one_row_packs(token_rows(), QUICK, 0), QUICK, 0)
    save_trained(model, tmp_path / "adapter", "tiny")
    files = sorted(path.name for path in (tmp_path / "adapter").iterdir())
    assert files == ["adapter_config.json", "adapter_model.safetensors"]
    assert json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"

    ids = torch.tensor([token_rows()[2].ids.tolist()])
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        untuned = base(ids).logits.clone()
        plain = PeftModel.from_pretrained(base, str(tmp_path / "adapter"))(ids).logits
    ours = load_adapter(load_model(tiny_model), tmp_path / "adapter")
    with torch.no_grad():
        torch.testing.assert_close(ours(ids).logits, plain, rtol=1e-5, atol=1e-5)
    assert (untuned - plain).abs().max() > 1e-2
    assert row_losses(ours, token_rows()) == row_losses(model, token_rows())


def test_a_fully_trained_model_is_saved_whole(tiny_model: Path, tmp_path: Path) -> None:
    settings = Train(method="full", tokens_per_step=30)
    model = attach(load_model(tiny_model), settings, 0)
    train(model, token_rows(), one_row_packs(token_rows(), settings, 0), settings, 0)
    save_trained(model, tmp_path / "full", "tiny")
    assert row_losses(load_model(tmp_path / "full"), token_rows()) == row_losses(model, token_rows())


@pytest.mark.parametrize("target", [".*(q_proj|lm_head)", ".*(q_proj|embed_tokens)"])
def test_an_adapter_on_the_head_or_the_embeddings_is_refused(tiny_model: Path, target: str) -> None:
    with pytest.raises(ConfigError, match="puts an adapter on the"):
        attach(load_model(tiny_model), Train(target_modules=target), 0)


def test_target_modules_that_fit_nothing_are_told_with_a_name_that_would(tiny_model: Path) -> None:
    with pytest.raises(ConfigError, match="fits no layer") as caught:
        attach(load_model(tiny_model), Train(target_modules="no_such_layer"), 0)
    assert "q_proj" in caught.value.remedy
