"""What trains: a LoRA adapter in float32 (Hu et al. 2021, through PEFT) or every weight; and the proof that it does.

Adapters stay float32 whatever the computation's number format: bfloat16 rounds their small updates away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.errors import ConfigError, TrainingError
from tuneloom.models.attention import plain_model


@dataclass(frozen=True)
class Trainable:
    """How many parameters train, of how many, in how many tensors."""

    trained: int
    total: int
    tensors: int


def attach(model: Any, settings: Train, seed: int, new_tokens: Sequence[int] = ()) -> Any:
    """Returns the model to train: `lora` wraps it in a PEFT model, `full` frees every weight. Changes it in place.

    With `lora` the rows of `new_tokens` in embedding and head train, too, and lie in the adapter.

    Raises ConfigError for target modules that match nothing, or the head or the embeddings.
    """
    if settings.method == "full":
        if any(parameter.dtype != torch.float32 for parameter in model.parameters()):
            raise ConfigError("full training needs float32 weights", where="train.method", remedy="Load them so.")
        return model.requires_grad_(True)
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.target_modules,
        task_type="SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM",
        trainable_token_indices=_rows_of(model, new_tokens),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            adapted = get_peft_model(model, config, autocast_adapter_dtype=True)
        except ValueError as error:  # nothing matches
            raise ConfigError(
                f"train.target_modules {settings.target_modules!r} fits no layer of this model",
                where="config key `train.target_modules`",
                remedy=f"Write `all-linear` or a regular expression of names such as {_some_linear(model)!r}.",
            ) from error
    _check_targets(adapted, settings)
    return adapted


def count_trainable(model: Any) -> Trainable:
    """`Trainable(trained=2442240, total=136957248, tensors=420)` for SmolLM2 with rank 8; tied weights count once."""
    parameters = list(model.parameters())
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return Trainable(sum(p.numel() for p in trained), sum(p.numel() for p in parameters), len(trained))


def save_trained(model: Any, folder: Path, base_name: str) -> None:
    """Writes an adapter (adapter_config.json, adapter_model.safetensors) or, after full training, the whole model.

    `base_name` stands in the adapter's config in place of the path that the base was loaded from.
    """
    if not hasattr(model, "peft_config"):
        model.save_pretrained(folder)
        return
    for config in model.peft_config.values():
        config.base_model_name_or_path = base_name
        config.inference_mode = True
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty model card


@dataclass
class GradientCheck:
    """Every trainable parameter must get a gradient that is not 0 in one of the first two steps.

    Two, because LoRA's A has none in the first: B starts at 0.
    """

    missing: dict[str, torch.nn.Parameter] = field(default_factory=dict)
    steps: int = 0

    @classmethod
    def of(cls, model: Any) -> "GradientCheck":
        """Watches all that trains in `model`."""
        return cls({name: p for name, p in model.named_parameters() if p.requires_grad})

    def go_on(self, steps: int, missing: Sequence[str]) -> None:
        """Takes up the watch of a training that was left after `steps` looks, `missing` without a gradient yet."""
        self.steps, self.missing = steps, {name: self.missing[name] for name in missing}

    def look(self) -> None:
        """Call after each backward pass, before gradients are cleared. Raises TrainingError naming the parameters."""
        if self.steps >= 2:
            return
        self.steps += 1
        self.missing = {n: p for n, p in self.missing.items() if p.grad is None or not bool(p.grad.any())}
        if self.steps == 2 and self.missing:
            raise TrainingError(
                f"{len(self.missing)} trainable parameters got no gradient in two steps",
                where=next(iter(self.missing)),
                remedy="They would be saved untrained; leave them out of train.target_modules.",
            )


def _rows_of(model: Any, tokens: Sequence[int]) -> dict[str, list[int]] | None:
    """Rows that PEFT trains, by layer: {"embed_tokens": [512, 513]}, and the head's where it is not tied to that."""
    if not tokens:
        return None
    inner, head = model.get_input_embeddings(), model.get_output_embeddings()
    layers = [inner] if head.weight is inner.weight else [inner, head]
    names = [next(name for name, module in model.named_modules() if module is layer) for layer in layers]
    return {name.rpartition(".")[2]: list(tokens) for name in names}


def _check_targets(adapted: Any, settings: Train) -> None:
    """An adapter on the head or the embeddings would be attached and, with our loss, never trained."""
    inner = plain_model(adapted)
    for what, layer in (("head", inner.get_output_embeddings()), ("embeddings", inner.get_input_embeddings())):
        if hasattr(layer, "lora_A"):
            raise ConfigError(
                f"train.target_modules {settings.target_modules!r} puts an adapter on the {what}",
                where="config key `train.target_modules`",
                remedy="Leave the head and the embeddings out, or use `train.method: full`.",
            )


def _some_linear(model: Any) -> str:
    return next((name for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)), "")
