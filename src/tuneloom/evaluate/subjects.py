"""The models that are compared, one after the other on one load of the base: adapters are put on and taken off."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.artifacts.artifact import Artifact
from tuneloom.errors import BrokenArtifact, ConfigError
from tuneloom.models.load import load_adapter, load_model, load_tokenizer, model_folder
from tuneloom.models.resolve import ModelSource


@dataclass(frozen=True)
class Champion:
    """The registered version to beat: `folder` holds an adapter, or a full model; `base_digest` is its base's,
    None where that is not known."""

    name: str
    version: int
    folder: Path
    base_digest: str | None = None


def trained_folder(tuned: Artifact) -> Path:
    """Where a train artifact keeps what it made. Raises BrokenArtifact where it made nothing."""
    for listed, inside in (("adapter/", "adapter/adapter_config.json"), ("model/", "model/config.json")):
        if tuned.files(listed):
            return tuned.path(inside).parent
    raise BrokenArtifact(
        f"{tuned.reference} holds neither an adapter nor a model", where=str(tuned.folder), remedy="Run again."
    )


def subjects(source: ModelSource, tuned: Artifact, champion: Champion | None) -> Iterator[tuple[str, Any, Any]]:
    """(name, model, tokenizer) for base, tuned and, where there is one, the champion: the gate never goes without it.

    A model is good until the next one is taken. Float32, for scores must not depend on the machine's fast format.
    Raises ConfigError for a champion of another base: its tokens are others, so its losses cannot be compared.
    """
    if champion and champion.base_digest not in (None, source.digest):
        raise ConfigError(
            f"the champion {champion.name} version {champion.version} was tuned from another base "
            f"({str(champion.base_digest)[:12]}, not {source.digest[:12]})",
            where="config key `model`",
            remedy="Set release.model_name to a new name for models of this base.",
        )
    folder = model_folder(source)
    tokenizer, device = load_tokenizer(folder), _device()
    base = load_model(folder, device=device)
    yield "base", base, tokenizer
    adapted = [("tuned", trained_folder(tuned))]
    if champion:
        adapted.append(("champion", champion.folder))
    for name, weights in adapted:
        if (weights / "adapter_config.json").is_file():
            model = load_adapter(base, weights)
            yield name, model, tokenizer
            base = model.unload()
        else:
            yield name, load_model(weights, device=device), tokenizer


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
