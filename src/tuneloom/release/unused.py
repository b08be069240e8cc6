"""MLflow runs, logged models and, on request, registered versions that nobody refers to, and taking them away.

MLflow only hides what its client deletes. Where its database is ours, rows and files go, too; where a server keeps the
records, whoever runs that server runs `mlflow gc`.
"""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.release.connection import address, connect, exists
from tuneloom.release.presence import MODEL_ID_TAG
from tuneloom.release.processes import is_dead
from tuneloom.release.registry import PROMOTED_TAG, RELEASE_TAG, WITHDRAWN_TAG
from tuneloom.release.tracking import PROCESS_TAG
from tuneloom.runs import RunRecord

RUN_TAG = "tuneloom.run"


@dataclass(frozen=True)
class UnusedModels:
    """What may go: versions as (name, number), ids of logged models and of runs; and the tags of versions that stay."""

    versions: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    kept_tags: tuple[Mapping[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.versions or self.models or self.runs)


def unused_models(home: Path, kept: Collection[RunRecord], candidates: bool) -> UnusedModels:
    """What neither a registered version nor one of the `kept` runs refers to, of what Tuneloom made.

    With `candidates`, versions without an alias that never were champion and are of no kept run go, too.
    """
    if not exists(home):
        return UnusedModels()
    client = connect(home)
    releases = {run.stages.get("release") for run in kept} - {None}
    versions = [_whole(client, one) for one in _pages(client.search_model_versions, max_results=1000)]
    going = [one for one in versions if candidates and _never_champion(one) and one.tags[RELEASE_TAG] not in releases]
    staying = [one for one in versions if one not in going]
    experiments = [one.experiment_id for one in _pages(client.search_experiments)]
    needed = {one.tags.get(MODEL_ID_TAG) for one in staying}
    models = [
        model
        for model in (_pages(client.search_logged_models, experiment_ids=experiments) if experiments else ())
        if RELEASE_TAG in model.tags and model.model_id not in needed and model.tags[RELEASE_TAG] not in releases
    ]
    used = {one.run_id for one in staying} | {run.mlflow_run_id for run in kept}
    identities = {run.identity for run in kept}
    runs = [
        run.info.run_id
        for run in (_pages(client.search_runs, experiment_ids=experiments) if experiments else ())
        if _ended(run) and run.info.run_id not in used and run.data.tags.get(RUN_TAG, "") not in identities | {""}
    ]
    return UnusedModels(
        tuple((one.name, str(one.version)) for one in going),
        tuple(model.model_id for model in models),
        tuple(runs),
        tuple(one.tags for one in staying),
    )


def remove_models(home: Path, unused: UnusedModels) -> None:
    """Takes them away.

    A version that got an alias since it was looked at stays, and its model with it.
    """
    if not unused:
        return
    client = connect(home)
    for name, number in unused.versions:
        if not client.get_model_version(name, number).aliases:
            client.delete_model_version(name, number)
    needed = {one.tags.get(MODEL_ID_TAG) for one in _pages(client.search_model_versions, max_results=1000)}
    models = [model for model in unused.models if model not in needed]
    if address(home).artifacts is not None:
        _purge(client, models, unused.runs)
        return
    for model in models:
        client.delete_logged_model(model)
    for run in unused.runs:
        client.delete_run(run)


def _purge(client: Any, models: Collection[str], runs: Collection[str]) -> None:
    """The files first, then the row that names them, by the calls that `mlflow gc` makes: the command itself would also
    empty the user's trash, for without ids of one kind it takes all of that kind, and it takes deleted experiments."""
    store = client._tracking_client.store
    for model in models:
        _remove_files(store.get_logged_model(model).artifact_location)
        store._hard_delete_logged_model(model)
    for run in runs:
        _remove_files(store.get_run(run).info.artifact_uri)
        store._hard_delete_run(run)


def _remove_files(uri: str) -> None:
    """A folder below our own `mlartifacts`; it may be gone already."""
    from mlflow.utils.file_utils import local_file_uri_to_path

    shutil.rmtree(local_file_uri_to_path(uri), ignore_errors=True)


def _never_champion(version: Any) -> bool:
    """Whether a version is ours, bears no alias, and was neither promoted nor rolled back."""
    stays = version.aliases or PROMOTED_TAG in version.tags or WITHDRAWN_TAG in version.tags
    return RELEASE_TAG in version.tags and not stays


def _whole(client: Any, found: Any) -> Any:
    """The version with its aliases, which a search leaves out."""
    return client.get_model_version(found.name, found.version)


def _ended(run: Any) -> bool:
    return run.info.status != "RUNNING" or is_dead(run.data.tags.get(PROCESS_TAG, ""))


def _pages(read: Callable[..., Any], **wanted: Any) -> Iterator[Any]:
    """All answers of a paged query."""
    token = None
    while True:
        page = read(**wanted, page_token=token)
        yield from list(page)
        token = getattr(page, "token", None)
        if not token:
            return
