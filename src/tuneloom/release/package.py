"""The folder that is registered: what training changed, and a card that says which base it belongs to.

    adapter_model.safetensors, adapter_config.json    (or a full model's files)
    tuneloom.json                                     the card

Never the base's weights, never a path of this machine: the base is named, and its digest proves it.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tuneloom import __version__
from tuneloom.artifacts import Artifact
from tuneloom.errors import BrokenArtifact
from tuneloom.models.resolve import ModelSource

CARD = "tuneloom.json"
PLACES = ("adapter/", "model/")
ADAPTER_FILES = {"adapter_model.safetensors", "adapter_config.json"}
TOKENIZER_FILES = {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json"}
"""Beside an adapter that brings tokens of its own."""


@dataclass(frozen=True)
class Card:
    """What a registered model is: `method` lora or full; `artifacts` maps each stage to its key."""

    method: str
    base: str
    base_kind: str
    base_digest: str
    template_digest: str | None
    artifacts: Mapping[str, str]
    tuneloom: str = __version__


def pack_model(
    tuned: Artifact, base: ModelSource, artifacts: Mapping[str, str], template_digest: str | None, folder: Path
) -> Card:
    """Fills `folder` with what `tuned` trained and its card. Raises BrokenArtifact where nothing was trained."""
    method, files = _trained_files(tuned)
    for relative, path in files.items():
        place = folder / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    card = Card(method, base_name(base), base.kind, base.digest, template_digest, dict(artifacts))
    if method == "lora":
        _name_base(folder / "adapter_config.json", card.base)
    (folder / CARD).write_text(json.dumps(asdict(card), ensure_ascii=False, indent=1), "utf-8")
    return card


def read_card(folder: Path) -> Card:
    """The card of a packed model. Raises BrokenArtifact where there is none."""
    try:
        return Card(**json.loads((folder / CARD).read_text("utf-8")))
    except (FileNotFoundError, ValueError, TypeError) as error:
        raise BrokenArtifact(
            f"no readable {CARD} in the model: {error}", where=str(folder), remedy="Register it with `tuneloom run`."
        ) from error


def base_name(base: ModelSource) -> str:
    """A name without this machine's folders: `/data/models/smol` -> `smol`, `org/smol` stays."""
    return Path(base.name).name if Path(base.name).is_absolute() else base.name


def _trained_files(tuned: Artifact) -> tuple[str, dict[str, Path]]:
    """Method, and path in the package -> file. Of an adapter's folder the files that are the adapter, and its tokenizer
    where it has one."""
    for prefix in PLACES:
        found = {path.relative_to(tuned.folder / prefix).as_posix(): path for path in tuned.files(prefix)}
        if found.keys() >= ADAPTER_FILES:
            return "lora", {name: path for name, path in found.items() if name in ADAPTER_FILES | TOKENIZER_FILES}
        if "config.json" in found:
            return "full", found
    raise BrokenArtifact(
        f"{tuned.reference} holds no whole adapter and no model below {' or '.join(PLACES)}",
        where=str(tuned.folder),
        remedy="Run again.",
    )


def _name_base(path: Path, base: str) -> None:
    """PEFT writes the folder it loaded the base from; the registry keeps its name."""
    config = json.loads(path.read_text("utf-8"))
    config["base_model_name_or_path"] = base
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
