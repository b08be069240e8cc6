"""The adapter that training goes on with: a folder, or a registered version, found and checked before anything runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tuneloom.artifacts import user_cache
from tuneloom.artifacts.digests import cached_digest
from tuneloom.config import Train
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.models.resolve import ModelSource
from tuneloom.plan.files import check_same
from tuneloom.records import canonical, digest

if TYPE_CHECKING:
    from tuneloom.release.package import Card

_FILES = ("adapter_config.json", "adapter_model.safetensors")
_WHERE = "config key `train.continue_from`"


@dataclass(frozen=True)
class Continued:
    """`name` is what the config says, `digest` that of the adapter's files; `train` is the key of the artifact that it
    lies in by its card, None for another tool's."""

    name: str
    folder: Path
    digest: str
    train: str | None


def find_continued(train: Train, folder: Path, home: Path, model: ModelSource) -> Continued | None:
    """The adapter of `train.continue_from`, None without one. A folder is relative to `folder`, a version of the
    registry at `home`.

    Raises UnknownModel and MissingFile for what is not there, ConfigError for an alias, a fully trained model, or an
    adapter of another base than `model`.
    """
    name = train.continue_from
    if name is None:
        return None
    place = _registered(name, home) if name.startswith("models:/") else folder / name
    card = _card(name, place, model)
    for file in _FILES:
        if not (place / file).is_file():
            raise MissingFile(f"there is no {file} to continue from", where=f"{place} (train.continue_from)",
                              remedy="Give the folder of a PEFT adapter.")  # fmt: skip
    return Continued(name, place, _digest(place), card.artifacts.get("train") if card else None)


def check_continued(continued: Continued | None) -> Path | None:
    """The adapter's folder; raises TuneloomError where it is no longer what train's key says."""
    if continued is None:
        return None
    check_same("train.continue_from", continued.digest, _digest(continued.folder))
    return continued.folder


def _registered(name: str, home: Path) -> Path:
    from tuneloom.release.load import find_registered, registered_files

    if "@" in name:
        version = find_registered(name, home).version
        raise ConfigError(
            f"{name!r} names another model after each promotion",
            where=_WHERE,
            remedy=f"Write {name.partition('@')[0]}/{version}, which it names now.",
        )
    return registered_files(name, home)[0]


def _card(name: str, place: Path, model: ModelSource) -> "Card | None":
    """A registered model's card; raises ConfigError where it names another base."""
    from tuneloom.release.package import CARD, read_card

    if not (place / CARD).is_file():
        return None  # another tool's adapter: that it fits is proven when it is put on the base
    card = read_card(place)
    if card.method == "full":
        raise ConfigError(f"{name} is a whole model", where=_WHERE, remedy="Export it, and name its folder as `model`.")
    if card.base_digest != model.digest:
        raise ConfigError(
            f"{name} was trained on {card.base} with digest {card.base_digest[:12]}, "
            f"not on {model.name} ({model.digest[:12]})",
            where=_WHERE,
            remedy="Train on the base that it was trained on.",
        )
    return card


def _digest(folder: Path) -> str:
    return digest(canonical([cached_digest(folder / name, user_cache() / "digests.jsonl") for name in _FILES]))
