"""What transformers reads of a model's tokenizer, remembered in the user's cache: its import takes longer than a
refresh's rows do, and the answer hangs on the model's files and the libraries' versions alone.

    CACHE/tokenizers/<digest of files and versions>.json    the digest of the rest, a line break, a Reading as JSON

A copy that is damaged, or cannot be written, only costs reading the model again.
"""

import importlib.metadata
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tuneloom.artifacts import user_cache
from tuneloom.artifacts.digests import cached_digest
from tuneloom.errors import ConfigError
from tuneloom.records import canonical, digest

_VERSION = 1
_LIBRARIES = ("transformers", "tokenizers")


@dataclass(frozen=True)
class Reading:
    """A fast tokenizer as transformers made it of a folder."""

    backend: str
    """JSON of its `tokenizers.Tokenizer`"""
    template: str | None
    """Its single chat template, where it has one"""
    named: dict[str, str]
    """transformers' `special_tokens_map`, texts alone: `{"eos_token": "<|im_end|>"}`"""
    end: bool
    """Whether it names an end token"""


def read_tokenizer(folder: Path) -> Reading:
    """The tokenizer of a model's folder. Raises ConfigError where it is no fast one."""
    place = user_cache() / "tokenizers" / f"{_digest(folder)}.json"
    known = _recall(place)
    if known is None:
        known = _read(folder)
        _remember(place, known)
    return known


def _digest(folder: Path) -> str:
    """Of all that decides the reading; weights do not, and additional templates lie in a folder of their own."""
    files = sorted(file for file in (*folder.iterdir(), *folder.glob("additional_chat_templates/*")) if file.is_file())
    memory = user_cache() / "digests.jsonl"
    told = [[str(f.relative_to(folder)), cached_digest(f, memory)] for f in files if f.suffix != ".safetensors"]
    return digest(canonical([_VERSION, told, [importlib.metadata.version(name) for name in _LIBRARIES]]))


def _read(folder: Path) -> Reading:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise ConfigError(
            f"the tokenizer {type(tokenizer).__name__} has no tokenizers backend",
            where=str(folder),
            remedy="Use a model with a tokenizer.json.",
        )
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None
    named = {name: text for name, text in tokenizer.special_tokens_map.items() if isinstance(text, str)}
    return Reading(tokenizer.backend_tokenizer.to_str(), template, named, bool(tokenizer.eos_token))


def _recall(place: Path) -> Reading | None:
    try:
        said, _, text = place.read_bytes().partition(b"\n")
        return Reading(**json.loads(text)) if digest(text).encode() == said else None
    except OSError:
        return None


def _remember(place: Path, reading: Reading) -> None:
    text = canonical(asdict(reading))
    part = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(f"{digest(text)}\n{text}".encode())
        os.replace(part, place)
    except OSError:  # a closed folder, a full disk: the next run reads the model again
        part.unlink(missing_ok=True)
