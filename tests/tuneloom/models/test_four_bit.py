"""A base in 4 bits: asked for where it cannot be had, a clear word; where it can, QLoRA's own settings."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tuneloom.errors import ConfigError
from tuneloom.models.four_bit import check_four_bit, load_four_bit


def test_without_a_gpu_the_config_key_and_a_way_out_are_named(tiny_model: Path) -> None:
    with pytest.raises(ConfigError, match="needs a CUDA GPU, and this machine computes on cpu") as caught:
        load_four_bit(tiny_model, "cpu")
    assert caught.value.where == "config key `train.four_bit`"
    assert "train.four_bit: false" in caught.value.remedy


def test_without_bitsandbytes_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs bitsandbytes") as caught:
        check_four_bit("cuda")
    assert "tuneloom[four-bit]" in caught.value.remedy


def test_the_base_is_asked_for_as_qlora_has_it(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def load(folder: str, **options: Any) -> Any:
        asked.update(options)
        return SimpleNamespace(eval=lambda: "model")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("transformers.BitsAndBytesConfig", lambda **options: options)
    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", load)
    assert load_four_bit(tiny_model, "cuda") == "model"
    assert asked["device_map"] == {"": "cuda"}
    assert asked["quantization_config"]["bnb_4bit_quant_type"] == "nf4"
    assert asked["quantization_config"]["bnb_4bit_use_double_quant"] is True
