"""A model in one piece: an adapter merged into its base, as safetensors with its tokenizer, to be used without us.

The sum is made in float32, whatever trained it and whatever the base is stored in (4 bits would round a light fine-tune
away), and stored in the base's own number format. What was merged is compared with what was not before it is written.
"""

from pathlib import Path
from typing import Any

from tuneloom.errors import BrokenArtifact
from tuneloom.models.load import load_adapter, load_model, load_tokenizer, model_folder
from tuneloom.models.resolve import ModelSource

PROBED = 24
"""Tokens that both are asked about."""
TOLERANCE = 1e-3
"""Largest difference of their logits, relative to the largest logit."""


def write_whole(base: ModelSource, trained: Path, folder: Path) -> str:
    """Fills `folder` with the model that `trained` (an adapter's folder, or a whole model's) makes of `base`; returns
    the number format it is stored in.

    Raises BrokenArtifact where the merged model says something else than the base with its adapter.
    """
    source = model_folder(base)
    stored = _stored_dtype(source)
    if (trained / "adapter_config.json").is_file():
        model = merged(load_adapter(load_model(source), trained))
    else:
        model = load_model(trained)
    import torch

    model.to(getattr(torch, stored)).save_pretrained(folder)
    load_tokenizer(trained if (trained / "tokenizer.json").is_file() else source).save_pretrained(folder)
    return stored


def merged(adapted: Any) -> Any:
    """The transformers model of a PEFT model, its adapter added to its weights. Changes it in place.

    A head that trained apart from the embeddings it was tied to stays apart. Raises BrokenArtifact where the result's
    logits are not those of the adapted model.
    """
    wanted = _probe(adapted)
    model = adapted.merge_and_unload(safe_merge=True)
    _untie(model)
    apart = float((_probe(model) - wanted).abs().max() / wanted.abs().max().clamp(min=1e-6))
    if not apart <= TOLERANCE:
        raise BrokenArtifact(
            f"the merged model differs from the base with its adapter (relative difference of logits {apart:.2g})",
            where=type(model).__name__,
            remedy="Use the adapter on its base instead; PEFT cannot merge it into this architecture.",
        )
    return model


def _untie(model: Any) -> None:
    """transformers writes one of two tied matrices alone; two that differ are no longer tied."""
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    if head is None or not model.config.tie_word_embeddings or head.weight is embeddings.weight:
        return
    if head.weight.equal(embeddings.weight):
        model.tie_weights()
        return
    model.config.tie_word_embeddings = False
    model._tied_weights_keys = None
    model.all_tied_weights_keys = {}


def _probe(model: Any) -> Any:
    """Logits float32 (1, PROBED, V) for the first ids of the vocabulary."""
    import torch

    ids = torch.arange(PROBED, device=next(model.parameters()).device)[None]
    given = {"labels": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False, **given).logits.float()


def _stored_dtype(folder: Path) -> str:
    """ "bfloat16" where the base is stored so."""
    from transformers import AutoConfig

    dtype = AutoConfig.from_pretrained(str(folder)).dtype
    return str(dtype or "float32").removeprefix("torch.")
