"""The MLflow registry: a version for a candidate, and the aliases candidate, champion and previous.

A version is a LoggedModel (files and scores by model id) under the registered name, tagged with the artifact keys it
came from. Everything here can be done twice: a release that was killed half-way finds what it made by its tag.
Facts about MLflow 3.17 that shape this: its own `log_model` copies step-0 metrics of the run to the model and needs
the process-wide tracking address, and so does a version whose source is `models:/...`; so the parts are called apart.
"""

import contextlib
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tuneloom.artifacts.locks import lock
from tuneloom.errors import ConfigError
from tuneloom.release import tuned_model
from tuneloom.release.connection import connect, exists, load_mlflow
from tuneloom.release.presence import MODEL_ID_TAG
from tuneloom.release.tracking import Tracking, is_absent
from tuneloom.runs import FrozenChampion

RELEASE_TAG = "tuneloom.release"
TRAIN_TAG = "tuneloom.train"
PROMOTED_TAG = "tuneloom.promoted"
"""The versions that it became champion after, one for each time: `after version 1, after version 3`."""
VERDICT_TAG = "tuneloom.verdict"
WITHDRAWN_TAG = "tuneloom.withdrawn"
"""Of a version that was rolled back: who, when, why. A release made again does not promote it anew."""
JUDGED_TAG = "tuneloom.judged_against"
"""The train key of the champion that the verdict was made against, or `none`."""
NEW_TOKENS = 128
"""Default length of a registered model's answer."""


@dataclass(frozen=True)
class Registered:
    """A version in the registry, as far as the release stage needs it."""

    name: str
    version: int
    model_id: str
    promoted: bool
    withdrawn: str | None = None


def champion(home: Path, name: str) -> FrozenChampion | None:
    """The version that bears the alias `champion`, or None. MLflow is not imported where it has no records yet."""
    if not exists(home):
        return None
    found = version_by_alias(connect(home), name, "champion")
    if found is None:
        return None
    if TRAIN_TAG not in found.tags:
        raise ConfigError(
            f"the champion of {name!r} is version {found.version}, which Tuneloom did not register",
            where=f"models:/{name}@champion",
            remedy="Choose another `release.model_name`, or remove that alias in MLflow.",
        )
    return FrozenChampion(name, int(found.version), found.tags[TRAIN_TAG], f"models:/{name}/{found.version}")


def version_by_alias(client: Any, name: str, alias: str) -> Any | None:
    """MLflow's ModelVersion behind an alias, or None where there is no such model or alias."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if is_absent(error):
            return None
        raise


def find_version(client: Any, name: str, release_key: str) -> Registered | None:
    """The version that an earlier, perhaps killed, release of this key registered."""
    found = client.search_model_versions(f"name = '{name}' and tags.`{RELEASE_TAG}` = '{release_key}'")
    if not found:
        return None
    first = min(found, key=lambda v: int(v.version))
    current = version_by_alias(client, name, "champion")
    is_champion = current is not None and int(current.version) == int(first.version)
    withdrawn = first.tags.get(WITHDRAWN_TAG)
    promoted = withdrawn is None and (is_champion or PROMOTED_TAG in first.tags)
    return Registered(name, int(first.version), first.tags[MODEL_ID_TAG], promoted, withdrawn)


def log_model(tracking: Tracking, name: str, release_key: str, packed: Path, params: Mapping[str, str]) -> str:
    """Stores a packed model as a LoggedModel of the run and returns its id; one that is complete is found again."""
    load_mlflow()
    from mlflow.entities import LoggedModelOutput

    client, wanted = tracking.client, f"tags.`{RELEASE_TAG}` = '{release_key}'"
    for found in client.search_logged_models([tracking.experiment_id], filter_string=wanted):
        if str(found.status) == "READY":
            return found.model_id
        client.delete_logged_model(found.model_id)
    model = client.create_logged_model(
        tracking.experiment_id, name, tracking.run_id, {RELEASE_TAG: release_key}, dict(params), "tuneloom"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        _save(folder, packed, name, model.model_id, tracking.run_id)
        client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(tracking.run_id, [LoggedModelOutput(model.model_id, step=0)])
    return model.model_id


def register(tracking: Tracking, name: str, model_id: str, tags: Mapping[str, str], description: str) -> Registered:
    """Registers a logged model as the next version of `name`."""
    from mlflow.exceptions import MlflowException

    client = tracking.client
    try:
        client.create_registered_model(name, {"tuneloom": "true"}, "Tuned with Tuneloom.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = client.get_logged_model(model_id).artifact_location
    made = client.create_model_version(
        name,
        source,
        tracking.run_id,
        {**tags, MODEL_ID_TAG: model_id},
        description=description,
        model_id=model_id,
    )
    return Registered(name, int(made.version), model_id, promoted=False)


def promote(client: Any, registered: Registered) -> None:
    """Moves `champion` to the version, and `previous` to the one that was; doing it again changes nothing.

    `previous` moves first and readers never find `champion` absent: setting an alias replaces it in one statement.
    What is killed between the steps is completed by `settle`.
    """
    name, number = registered.name, str(registered.version)
    before = version_by_alias(client, name, "champion")
    if before is not None and str(before.version) == number:
        return
    if before is not None:
        client.set_registered_model_alias(name, "previous", str(before.version))
    client.set_registered_model_alias(name, "champion", number)
    _tag_promoted(client, name, number, before)


def settle(client: Any, name: str) -> bool:
    """Completes a move of the aliases that was killed between its steps, so that the history has no gap.

    Call it first under `moving_aliases`. True where the aliases showed it: `previous` named the champion itself.
    """
    current, previous = (version_by_alias(client, name, alias) for alias in ("champion", "previous"))
    if current is None:
        return False
    if previous is None:
        if PROMOTED_TAG not in current.tags:
            _tag_promoted(client, name, current.version, None)
        return False
    if previous.version == current.version:
        restore_previous(client, name, current)
        return True
    before = one_before(client, name, current)
    if before is None or before.version != previous.version:
        _tag_promoted(client, name, current.version, previous)
    return False


def restore_previous(client: Any, name: str, version: Any) -> None:
    """Lets `previous` name what a rollback of `version` would go back to; nothing where there is none."""
    if before := one_before(client, name, version):
        client.set_registered_model_alias(name, "previous", str(before.version))
    else:
        client.delete_registered_model_alias(name, "previous")


def one_before(client: Any, name: str, version: Any) -> Any | None:
    """The version that `version` was promoted after, the last time first; what was withdrawn gives way to what it was
    promoted after itself. None: there is none."""
    known = {str(one.version): one for one in client.search_model_versions(f"name = '{name}'")}
    start = known.pop(str(version.version), None)
    todo = _came_after(start) if start else []  # the last is the next to look at
    while todo:
        found = known.pop(todo.pop(), None)  # once: a version promoted again comes after one that came after it
        if found is not None:
            if WITHDRAWN_TAG not in found.tags:
                return found
            todo += _came_after(found)
    return None


def _came_after(version: Any) -> list[str]:
    """Numbers of the versions that it was promoted after, the last time last: `after version 1, after version 3`."""
    return re.findall(r"after version (\d+)", version.tags.get(PROMOTED_TAG, ""))


def _tag_promoted(client: Any, name: str, number: Any, before: Any | None) -> None:
    """Adds to what the version was promoted after; what stands there last is not said twice."""
    from mlflow.exceptions import MlflowException

    after = f"after version {'none' if before is None else before.version}"
    try:
        told = client.get_model_version(name, str(number)).tags.get(PROMOTED_TAG, "")
        if told.split(", ")[-1] != after:
            client.set_model_version_tag(name, str(number), PROMOTED_TAG, f"{told}, {after}".removeprefix(", "))
    except MlflowException as error:
        raise ConfigError(
            f"version {number} of {name} is champion but could not be tagged: {error.message}",
            where=f"models:/{name}/{number}",
            remedy="Run again.",
        ) from error


@contextlib.contextmanager
def moving_aliases(home: Path, name: str) -> Iterator[None]:
    """Held while aliases of `name` are read and moved: of two promotions the second sees what the first did.

    It binds the processes that share this home; MLflow itself offers no compare-and-set.
    """
    with lock(home / "locks" / f"aliases-{name}.lock", f"the aliases of {name}"):
        yield


def aliases_of(client: Any, registered: Registered) -> list[str]:
    """The aliases that the version bears now, in alphabetical order."""
    return sorted(client.get_model_version(registered.name, str(registered.version)).aliases)


def _save(folder: Path, packed: Path, name: str, model_id: str, run_id: str) -> None:
    """MLflow's own layout: MLmodel, requirements, the packed files below data/, and the one file that opens them."""
    import mlflow.pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import Array, Object, Property

    message = Object([Property("role", "string"), Property("content", "string")])
    signature = ModelSignature(
        inputs=Schema([ColSpec(Array(message), "messages")]),
        outputs=Schema([ColSpec("string")]),
        params=ParamSchema([ParamSpec("max_new_tokens", "long", NEW_TOKENS)]),
    )
    needed = [f"{package}=={version(package).partition('+')[0]}" for package in _NEEDED]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it asks for an example input, which it would run
        mlflow.pyfunc.save_model(
            folder,
            loader_module=Path(tuned_model.__file__).stem,
            code_paths=[tuned_model.__file__],
            data_path=packed,
            mlflow_model=Model(artifact_path=name, run_id=run_id, model_id=model_id, model_uuid=model_id),
            signature=signature,
            model_config={"base": ""},  # MLflow lets a caller override only what is there
            pip_requirements=needed,
        )


_NEEDED = ("mlflow", "torch", "transformers", "peft")
