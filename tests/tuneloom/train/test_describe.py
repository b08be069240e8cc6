"""A method in a line."""

import pytest

from tuneloom.config import Train
from tuneloom.train.describe import method_told


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Train(), "lora of rank 8 and alpha 16 on all-linear"),
        (Train(method="full", neftune=5), "full, NEFTune 5"),
        (
            Train(method="dora", target_modules=("q_proj", "v_proj"), rslora=True, init="pissa", lora_plus=16),
            "dora of rank 8 and alpha 16 on q_proj v_proj, rsLoRA, from pissa, LoRA+ 16",
        ),
        (
            Train(modules_to_save=("norm",), four_bit=True),
            "lora of rank 8 and alpha 16 on all-linear, with norm, the base in 4 bits",
        ),
    ],
)
def test_a_method_is_told_with_what_was_chosen(settings: Train, told: str) -> None:
    assert method_told(settings) == told


def test_an_adapter_that_is_gone_on_with_has_its_own_shape() -> None:
    settings = Train(continue_from="models:/smol/3", rank=64, lora_plus=4)
    assert method_told(settings, "models:/smol/3") == "lora that goes on with models:/smol/3, LoRA+ 4"
