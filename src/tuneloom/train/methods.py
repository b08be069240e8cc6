"""The methods that PEFT offers, in the words of the config: which adapter, how it begins, how fast its parts learn.

LoRA: Hu et al. 2021; DoRA: Liu et al. 2024; rsLoRA: Kalajdzievski 2023; PiSSA: Meng et al. 2024; OLoRA: Büyükakyüz
2024; LoRA+: Hayou et al. 2024.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tuneloom.config import Train

_BEGINS: Mapping[str, bool | str] = {"zero": True}
"""PEFT's own word for `train.init`, where it is another."""
_LEAVES_THE_BASE = ("pissa", "olora")


def lora_config(settings: Train, task: str, new_tokens: Mapping[str, list[int]] | None) -> Any:
    """PEFT's LoraConfig: `task` is "CAUSAL_LM" or "SEQ_2_SEQ_LM", `new_tokens` are rows that train, by layer."""
    from peft import LoraConfig

    names = settings.target_modules
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=names if isinstance(names, str) else list(names),
        modules_to_save=list(settings.modules_to_save) or None,
        use_dora=settings.method == "dora",
        use_rslora=settings.rslora,
        init_lora_weights=_BEGINS.get(settings.init, settings.init),
        task_type=task,
        trainable_token_indices=dict(new_tokens) if new_tokens else None,
    )


def parameter_groups(model: Any, settings: Train) -> list[dict[str, Any]]:
    """Groups for AdamW of all that trains: norms, biases and DoRA's magnitudes (one dimension) do not decay, and LoRA's
    B learns `rate_factor` (LoRA+) times as fast as the rest."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = settings.weight_decay if parameter.dim() > 1 else 0.0
            factor = settings.lora_plus if "lora_B" in name else 1.0
            groups.setdefault((decay, factor), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "rate_factor": factor}
        for (decay, factor), parameters in groups.items()
    ]


def factors(model: Any, settings: Train) -> dict[str, torch.Tensor] | None:
    """Copies of an adapter's A and B as it begins, by the names they are saved under; None where its beginning leaves
    the base as it is. Keep them for `converted`."""
    if settings.method == "full" or settings.init not in _LEAVES_THE_BASE:
        return None
    from peft import get_peft_model_state_dict

    saved = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: tensor.clone() for name, tensor in saved.items() if _is_factor(name)}


def converted(
    tensors: Mapping[str, torch.Tensor], begun: Mapping[str, torch.Tensor], config: Any
) -> dict[str, torch.Tensor]:
    """The tensors of an adapter on the base as it was: W - B0 A0 + B A = W + [B, -B0] [A; A0], of twice the rank.

    `tensors` and `begun` by name: A float32 (r, in), B float32 (out, r). Doubles `config`'s rank, and its alpha so that
    the scale stays.
    """
    scale = config.lora_alpha / (config.r**0.5 if config.use_rslora else config.r)
    config.r *= 2
    config.lora_alpha = scale * (config.r**0.5 if config.use_rslora else config.r)
    config.init_lora_weights = True
    return {name: _joined(name, tensor, begun[name]) if name in begun else tensor for name, tensor in tensors.items()}


def missing_names(names: Sequence[str], model: Any) -> list[str]:
    """Which of `names` end no module's name: `["q_proj", "qproj"]` -> `["qproj"]`."""
    there = [name for name, _ in model.named_modules()]
    return [name for name in names if not any(one == name or one.endswith(f".{name}") for one in there)]


def _joined(name: str, trained: torch.Tensor, begun: torch.Tensor) -> torch.Tensor:
    begun = begun.to(trained.device)
    return torch.cat([trained, begun], 0) if "lora_A" in name else torch.cat([trained, -begun], 1)


def _is_factor(name: str) -> bool:
    return "lora_A" in name or "lora_B" in name
