"""A new MLflow database is whole or not there."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tuneloom.release.connection import connect

MAKE = "import sys; from pathlib import Path; from tuneloom.release.connection import warm; warm(Path(sys.argv[1]))"


def tables(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        return {row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")}


def test_a_process_killed_while_making_it_leaves_none_and_the_next_makes_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    child = subprocess.Popen([sys.executable, "-c", MAKE, str(home)])
    deadline = time.monotonic() + 120
    while not list(home.glob(".mlflow-*/mlflow.db")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (home / "mlflow.db").exists()

    client = connect(home)
    assert [found.name for found in client.search_experiments()] == ["Default"]
    assert {"runs", "registered_models", "logged_models", "alembic_version"} <= tables(home / "mlflow.db")
    assert list(home.glob(".mlflow-*")) == []
