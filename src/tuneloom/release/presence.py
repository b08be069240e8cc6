"""Whether a finished release still stands: the registry at hand has its version, and its verdict was made against the
champion that there was.

A local SQLite registry is asked by its file, so that a run with nothing to do need not import MLflow.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tuneloom.artifacts import Artifact
from tuneloom.errors import TuneloomError
from tuneloom.release.connection import address, connect, exists

MODEL_ID_TAG = "tuneloom.model_id"
"""Tag of a version: the id of its logged model, which no other registry has."""
_SQLITE = "sqlite:///"
_QUERY = """
    select 1 from model_version_tags as tag join model_versions as version using (name, version)
    where name = ? and version = ? and key = ? and value = ? and current_stage is not 'Deleted_Internal'
"""


def why_made_again(released: Artifact, home: Path) -> str | None:
    """Why a release artifact does not stand; None where it does. Raises TuneloomError where a server does not answer.

    `another model became champion after this candidate was judged`, or `the registry does not have its version`.
    """
    said = json.loads(released.path("release.json").read_text("utf-8"))
    if said["outdated"]:
        return "another model became champion after this candidate was judged"
    if not has_version(home, said["model_name"], said["version"], said["model_id"]):
        return "the registry does not have its version"
    return None


def has_version(home: Path, name: str, version: int, model_id: str) -> bool:
    """Whether the registry of this home has that version, made from that logged model; deleted ones do not count."""
    registry = address(home).registry
    if registry.startswith(_SQLITE):
        return _file_has_version(Path(registry.removeprefix(_SQLITE).partition("?")[0]), name, version, model_id)
    return exists(home) and _server_has_version(home, name, version, model_id)


def _file_has_version(database: Path, name: str, version: int, model_id: str) -> bool:
    """False also for a database that is no registry: MLflow itself will say what is wrong with it."""
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(_QUERY, (name, version, MODEL_ID_TAG, model_id)).fetchone() is not None
    except sqlite3.DatabaseError:
        return False


def _server_has_version(home: Path, name: str, version: int, model_id: str) -> bool:
    client = connect(home)
    from mlflow.exceptions import MlflowException

    from tuneloom.release.tracking import is_absent

    try:
        return client.get_model_version(name, str(version)).tags.get(MODEL_ID_TAG) == model_id
    except MlflowException as error:
        if is_absent(error):
            return False
        raise TuneloomError(
            f"the MLflow registry does not answer: {' '.join(str(error).split())[:300]}",
            where="MLFLOW_REGISTRY_URI or MLFLOW_TRACKING_URI",
            remedy="Start that server, or unset the variable to use the registry beside the config.",
        ) from error
