"""A new MLflow database, made beside its place and moved there whole.

MLflow creates one by some seventy migrations, each with its own flush to disk: 2 to 4 s here, 20 s on a busy disk, and
a process killed among them leaves a database that MLflow then refuses. A file that nobody reads yet needs no flush
but the last (1.2 s).
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tuneloom.artifacts import lock


def make_database(mlflow: Any, place: Path) -> None:
    """Makes `place` where it is not there yet; of two processes one makes it and the other waits."""
    with lock(place.with_name(f".{place.name}.lock"), "the creation of MLflow's database", seconds=300):
        if place.is_file():
            return
        for left in place.parent.glob(".mlflow-*"):  # of a process that was killed; we hold the lock
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".mlflow-", dir=place.parent) as scratch:
            made = Path(scratch) / place.name
            _migrate(mlflow, made)
            part = Path(scratch) / "part"
            shutil.copyfile(made, part)  # MLflow keeps a connection to the file it made
            descriptor = os.open(part, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
            os.replace(part, place)


def _migrate(mlflow: Any, made: Path) -> None:
    """Lets MLflow create its tables, with flushes off for connections that are opened meanwhile to this very file."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def without_flush(connection: Any, _record: Any) -> None:
        files = [row[2] for row in connection.execute("PRAGMA database_list")]
        if str(made) in files:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY")

    event.listen(Engine, "connect", without_flush)
    try:
        mlflow.MlflowClient(tracking_uri=f"sqlite:///{made}").search_experiments(max_results=1)
    finally:
        event.remove(Engine, "connect", without_flush)
