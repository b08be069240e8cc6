"""A frozen base in 4 bits, for QLoRA (Dettmers et al. 2023): NF4 by bitsandbytes, its scales quantised once more.

The adapter on it is float32 and belongs to the base in full precision, too: export merges it there, for merging into 4
bits rounds a light fine-tune away.
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuneloom.errors import ConfigError
from tuneloom.models.kind import is_encoder_decoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def check_four_bit(device: str) -> None:
    """Raises ConfigError where 4 bits cannot be had: no CUDA GPU, or no bitsandbytes."""
    where = "config key `train.four_bit`"
    if device != "cuda":
        raise ConfigError(
            f"a base in 4 bits needs a CUDA GPU, and this machine computes on {device}",
            where=where,
            remedy="Set train.four_bit: false; the adapter is the same, the base takes four times the memory or more.",
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(
            "a base in 4 bits needs bitsandbytes", where=where, remedy="Run `pip install 'tuneloom[four-bit]'`."
        )


def load_four_bit(folder: Path, device: str) -> "PreTrainedModel":
    """The model of a folder with its linear layers in NF4 and the rest (embeddings, head, norms) in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, BitsAndBytesConfig

    from tuneloom.models.attention import register_segment_attention
    from tuneloom.models.load import quiet_transformers

    check_four_bit(device)
    quiet_transformers()
    register_segment_attention()
    options: dict[str, Any] = {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
        "dtype": torch.float32,
        "use_safetensors": True,
        "device_map": {"": device},
    }
    loader = AutoModelForSeq2SeqLM if is_encoder_decoder(folder) else AutoModelForCausalLM
    return loader.from_pretrained(str(folder), **options).eval()
