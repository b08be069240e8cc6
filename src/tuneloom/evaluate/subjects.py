"""The models that are asked, one after the other on one load of each base: adapters are put on and taken off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.artifacts.artifact import Artifact
from tuneloom.errors import BrokenArtifact, ConfigError
from tuneloom.models.load import load_adapter, load_model, load_tokenizer, model_folder
from tuneloom.models.resolve import ModelSource


@dataclass(frozen=True)
class Subject:
    """A model that is asked: its base, and the folder of what was tuned, an adapter or a full model (None: nothing).

    `digest` is of all that decides its answers; None where nobody asks for it.
    """

    name: str
    base: ModelSource
    tuned: Path | None = None
    digest: str | None = None


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

    Raises ConfigError for a champion of another base: its tokens are others, so its losses cannot be compared.
    """
    if champion and champion.base_digest not in (None, source.digest):
        raise ConfigError(
            f"the champion {champion.name} version {champion.version} was tuned from another base "
            f"({str(champion.base_digest)[:12]}, not {source.digest[:12]})",
            where="config key `model`",
            remedy="Set release.model_name to a new name for models of this base.",
        )
    known = [Subject("base", source), Subject("tuned", source, trained_folder(tuned))]
    known += [Subject("champion", source, champion.folder)] if champion else []
    yield from ((one.name, model, tokenizer) for one, model, tokenizer in in_turn(known))


def in_turn(known: Sequence[Subject]) -> Iterator[tuple[Subject, Any, Any]]:
    """Each subject with its model and tokenizer, those of one base together, in the order of their bases.

    A model is good until the next one is taken. Float32, for scores must not depend on the machine's fast format.
    """
    device = _device()
    for digest in dict.fromkeys(one.base.digest for one in known):
        of_base = [one for one in known if one.base.digest == digest]
        folder = model_folder(of_base[0].base)
        tokenizer, base = load_tokenizer(folder), None
        for one in of_base:
            if one.tuned and not (one.tuned / "adapter_config.json").is_file():
                yield one, load_model(one.tuned, device=device), tokenizer
                continue
            base = base if base is not None else load_model(folder, device=device)
            if one.tuned is None:
                yield one, base, tokenizer
            else:
                model = load_adapter(base, one.tuned)
                yield one, model, tokenizer
                base = model.unload()


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
