"""Loading what the registry holds: the base by name, proven by digest, with the adapter on top.

`tuned_model.py` opens the same with MLflow alone, where there is no Tuneloom.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuneloom.errors import ConfigError, UnknownModel
from tuneloom.models.resolve import ModelSource, resolve_model
from tuneloom.release.connection import address, connect, exists, load_mlflow
from tuneloom.release.package import Card, read_card
from tuneloom.release.tracking import is_absent

BASE_PATH_TAG = "tuneloom.base_path"
_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


def load_registered(uri: str, home: Path, base: str | None = None) -> tuple[Any, Any]:
    """`models:/NAME@champion` or `models:/NAME/3` -> (model, tokenizer), ready to generate.

    `base` names the base model where it lies elsewhere than at training. Raises UnknownModel where the registry or
    the base is not there, ConfigError where another base is found than the one that was tuned.
    """
    version = find_registered(uri, home)
    known = [base] if base else [version.tags[BASE_PATH_TAG]] if BASE_PATH_TAG in version.tags else []
    return load_packed(_files(version, home), known)


def registered_files(uri: str, home: Path) -> tuple[Path, Card]:
    """The folder of a registered adapter (or full model) and its card; nothing of it is loaded."""
    folder = _files(find_registered(uri, home), home)
    return folder, read_card(folder)


def load_packed(folder: Path, bases: Sequence[str]) -> tuple[Any, Any]:
    """A packed model's folder -> (model, tokenizer); `bases` are tried before the name on the card."""
    from tuneloom.models.load import load_adapter, load_model, load_tokenizer, model_folder

    card = read_card(folder)
    base = model_folder(find_base(card, bases))
    model = load_adapter(load_model(base), folder) if card.method == "lora" else load_model(folder)
    return model.eval(), load_tokenizer(base)


def find_base(card: Card, bases: Sequence[str]) -> ModelSource:
    """The first of `bases`, then the card's own name, whose digest is the card's.

    The hub is not asked for what was a folder. Raises UnknownModel, or ConfigError naming the digests.
    """
    others = []
    names = [*bases, *([card.base] if card.base_kind != "folder" or Path(card.base).is_dir() else [])]
    for name in names:
        try:
            found = resolve_model(name)
        except UnknownModel:
            continue  # the next name may be known; none known is told below
        if found.digest == card.base_digest:
            return found
        others.append(found)
    if others:
        raise ConfigError(
            f"the adapter was trained on {card.base} with digest {card.base_digest}, "
            f"but {others[0].name} here has digest {others[0].digest}",
            where=str(others[0].path),
            remedy="Get the base it was trained on; an adapter on another base talks nonsense.",
        )
    raise UnknownModel(
        f"the adapter's base model {card.base!r} is not here",
        where=", ".join(names) or card.base,
        remedy=f"Get it (digest {card.base_digest}), or name its folder.",
    )


def _files(version: Any, home: Path) -> Path:
    """The data folder in MLflow's layout, as its MLmodel names it; copied here where the registry is elsewhere."""
    mlflow = load_mlflow()
    from mlflow.models import Model

    files = mlflow.artifacts.download_artifacts(artifact_uri=version.source, tracking_uri=address(home).tracking)
    return Path(files) / Model.load(files).flavors["python_function"]["data"]


def find_registered(uri: str, home: Path) -> Any:
    """MLflow's ModelVersion behind `models:/NAME@ALIAS` or `models:/NAME/3`. Raises UnknownModel, ConfigError."""
    parts = _URI.fullmatch(uri)
    if parts is None:
        raise ConfigError(
            f"{uri!r} names no registered model", where=uri, remedy="Write models:/NAME@champion or models:/NAME/3."
        )
    name = parts["name"]
    if not exists(home):
        raise UnknownModel(f"no model is registered yet, asked for {uri}", where=str(home), remedy="Run the pipeline.")
    client = connect(home)
    from mlflow.exceptions import MlflowException

    try:
        if parts["alias"]:
            return client.get_model_version_by_alias(name, parts["alias"])
        return client.get_model_version(name, parts["version"])
    except MlflowException as error:
        if not is_absent(error):
            raise
        known = [model.name for model in client.search_registered_models()]
        raise UnknownModel(
            f"the registry has no {uri}",
            where=address(home).registry,
            remedy=f"Registered names: {', '.join(known) or 'none'}; see `tuneloom runs` for verdicts.",
        ) from error
