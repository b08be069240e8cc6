"""What trains: an adapter in float32 (LoRA and its kin, through PEFT; methods.py) or every weight.

Adapters stay float32 whatever the computation's number format: bfloat16 rounds their small updates away.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.errors import ConfigError
from tuneloom.models.attention import plain_model
from tuneloom.models.load import load_adapter
from tuneloom.train.methods import converted, lora_config, missing_names


@dataclass(frozen=True)
class Trainable:
    """How many parameters train, of how many, in how many tensors."""

    trained: int
    total: int
    tensors: int


def attach(
    model: Any, settings: Train, seed: int, new_tokens: Sequence[int] = (), continued: Path | None = None
) -> Any:
    """Returns the model to train: `lora` and `dora` wrap it in a PEFT model, `full` frees every weight. Changes it in
    place.

    With an adapter the rows of `new_tokens` in embedding and head train, too, and lie in it. `continued` is the folder
    of an adapter to go on with, in place of a new one.
    Raises ConfigError for target modules that match nothing, or the head or the embeddings, and for an adapter to
    continue that is of another method.
    """
    if settings.method == "full":
        if any(parameter.dtype != torch.float32 for parameter in model.parameters()):
            raise ConfigError("full training needs float32 weights", where="train.method", remedy="Load them so.")
        return model.requires_grad_(True)
    adapted = _continued(model, settings, continued) if continued else _new(model, settings, seed, new_tokens)
    _check_targets(adapted, settings)
    return adapted


def count_trainable(model: Any) -> Trainable:
    """`Trainable(trained=2442240, total=136957248, tensors=420)` for SmolLM2 with rank 8; tied weights count once."""
    parameters = list(model.parameters())
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    return Trainable(sum(p.numel() for p in trained), sum(p.numel() for p in parameters), len(trained))


def save_trained(model: Any, folder: Path, base_name: str, begun: Mapping[str, torch.Tensor] | None = None) -> None:
    """Writes an adapter (adapter_config.json, adapter_model.safetensors) or, after full training, the whole model.

    `base_name` stands in the adapter's config in place of the path that the base was loaded from. `begun` are the
    factors of an adapter that began as a part of the base (methods.factors): it is saved for the whole base.
    """
    if not hasattr(model, "peft_config"):
        model.save_pretrained(folder)
        return
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    (config,) = model.peft_config.values()
    config.base_model_name_or_path = base_name
    config.inference_mode = True
    tensors = get_peft_model_state_dict(model, save_embedding_layers=False)
    if begun:
        tensors = converted(tensors, begun, config)
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(plain, folder / "adapter_model.safetensors", {"format": "pt"})
    config.save_pretrained(folder)


def _new(model: Any, settings: Train, seed: int, new_tokens: Sequence[int]) -> Any:
    from peft import get_peft_model

    _check_names(model, settings)
    task = "SEQ_2_SEQ_LM" if model.config.is_encoder_decoder else "CAUSAL_LM"
    config = lora_config(settings, task, _rows_of(model, new_tokens))
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*ensure_weight_tying")  # export unties what trained apart (release/merge)
        torch.manual_seed(seed)
        try:
            return get_peft_model(model, config, autocast_adapter_dtype=True)
        except ValueError as error:  # nothing matches
            raise _fits_nothing(model, settings, settings.target_modules) from error


def _continued(model: Any, settings: Train, folder: Path) -> Any:
    """The adapter of `folder`, trainable; only the method must be the config's, its shape is its own."""
    adapted = load_adapter(model, folder, trainable=True).train(model.training)
    (config,) = adapted.peft_config.values()
    if config.use_dora != (settings.method == "dora"):
        found = "dora" if config.use_dora else "lora"
        raise ConfigError(
            f"the adapter to continue was trained by `{found}`, not by `{settings.method}`",
            where="config key `train.method`",
            remedy=f"Set train.method: {found}, or start without train.continue_from.",
        )
    return adapted


def _check_names(model: Any, settings: Train) -> None:
    """PEFT passes over a name of a list that no module has."""
    targets = () if isinstance(settings.target_modules, str) else settings.target_modules
    for key, names in (("target_modules", targets), ("modules_to_save", settings.modules_to_save)):
        if missing := missing_names(names, model):
            raise _fits_nothing(model, settings, missing[0], key)


def _fits_nothing(model: Any, settings: Train, names: Any, key: str = "target_modules") -> ConfigError:
    return ConfigError(
        f"train.{key} {names!r} fits no layer of this model",
        where=f"config key `train.{key}`",
        remedy=f"Write `all-linear`, or names or a regular expression of names such as {_some_linear(model)!r}.",
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
                remedy="Leave it out; to train it whole, name it in train.modules_to_save, or use `method: full`.",
            )


def _some_linear(model: Any) -> str:
    return next((name for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear)), "")
