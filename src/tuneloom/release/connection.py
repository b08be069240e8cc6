"""Where MLflow's records are, and how to reach them quietly and without its global state.

`MLFLOW_TRACKING_URI` where it is set, else SQLite at an absolute path in the pipeline's home (MLflow's own default
depends on the working directory). Clients carry their address: `mlflow.set_tracking_uri` would change the environment
of the whole process. The import takes over a second and a new database another: `warm` does both ahead of time.
"""

import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tuneloom.errors import NotPermitted
from tuneloom.release.database import make_database

_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_UV_AUTO_DETECT": "false"}
_LOUD = ("mlflow", "alembic")
_importing = threading.Lock()


@dataclass(frozen=True)
class Address:
    """Tracking store, registry, and the folder for files (None: the server decides)."""

    tracking: str
    registry: str
    artifacts: Path | None


def address(home: Path) -> Address:
    """`/data/.tuneloom` -> `sqlite:////data/.tuneloom/mlflow.db` with files beside it; the environment comes first."""
    if named := os.environ.get("MLFLOW_TRACKING_URI"):
        return Address(named, os.environ.get("MLFLOW_REGISTRY_URI") or named, None)
    local = f"sqlite:///{home.resolve() / 'mlflow.db'}"
    return Address(local, os.environ.get("MLFLOW_REGISTRY_URI") or local, home.resolve() / "mlartifacts")


def shown(where: Address, home: Path) -> str:
    """The tracking address for people and pages: without passwords, and without this machine's folders.

    `sqlite:////data/p/.tuneloom/mlflow.db` -> `sqlite:///.tuneloom/mlflow.db`, from the folder of the config;
    `https://joe:secret@host/x` -> `https://host/x`.
    """
    if where.artifacts is not None:
        return f"sqlite:///{home.name}/mlflow.db"
    parts = urlsplit(where.tracking)
    return where.tracking.replace(f"//{parts.netloc}", f"//{parts.netloc.rpartition('@')[2]}", 1)


def exists(home: Path) -> bool:
    """Whether there may be any record yet; asks the file system alone, MLflow is not imported."""
    return address(home).artifacts is None or (home / "mlflow.db").is_file()


def connect(home: Path) -> Any:
    """An `MlflowClient` for this home; the database is made at its first use. Raises NotPermitted."""
    where = address(home)
    if where.artifacts is not None:
        try:
            home.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise NotPermitted(
                "no permission to keep MLflow's records", where=str(home), remedy="Choose another folder with --home."
            ) from error
    mlflow = load_mlflow()
    if where.artifacts is not None and not exists(home):
        make_database(mlflow, home.resolve() / "mlflow.db")
    return mlflow.MlflowClient(tracking_uri=where.tracking, registry_uri=where.registry)


def warm(home: Path) -> None:
    """Imports MLflow and makes the database; may run in a thread while others work."""
    connect(home).search_experiments(max_results=1)


def load_mlflow() -> Any:
    """The module `mlflow`, imported late, without telemetry, its logs and its migrations' at errors only."""
    with _importing:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import mlflow

        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow
