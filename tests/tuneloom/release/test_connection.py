"""Where MLflow's records lie, and that reaching them is quiet, local and late."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuneloom.errors import NotPermitted
from tuneloom.release.connection import Address, address, connect, exists, shown


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )


def test_records_lie_at_an_absolute_path_whatever_the_working_directory(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert address(Path(".tuneloom")).tracking == f"sqlite:///{tmp_path}/.tuneloom/mlflow.db"


def test_a_server_named_in_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    where = address(tmp_path)
    assert (where.tracking, where.registry, where.artifacts) == ("http://127.0.0.1:5000",) * 2 + (None,)
    assert exists(tmp_path)


@pytest.mark.parametrize(
    ("tracking", "told"),
    [
        ("https://joe:secret@host:5000/x@y", "https://host:5000/x@y"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("postgresql://mlflow:secret@db/mlflow", "postgresql://db/mlflow"),
        ("sqlite:////data/a@b/mlflow.db", "sqlite:////data/a@b/mlflow.db"),
        ("databricks", "databricks"),
    ],
)
def test_an_address_is_shown_without_its_password(tracking: str, told: str, tmp_path: Path) -> None:
    assert shown(Address(tracking, tracking, None), tmp_path) == told


def test_the_records_beside_the_config_are_shown_without_this_machines_folders(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    home = tmp_path / ".tuneloom"
    assert shown(address(home), home) == "sqlite:///.tuneloom/mlflow.db"


def test_asking_for_a_champion_before_the_first_run_does_not_import_mlflow(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import tuneloom.release.registry as r, tuneloom.release.tracking as t;"
        "print(r.champion(Path('home'), 'x'), t.reconcile(Path('home')));"
        "print('mlflow' in sys.modules, 'torch' in sys.modules)"
    )
    assert run(code, tmp_path).stdout.split() == ["None", "[]", "False", "False"]
    assert list(tmp_path.iterdir()) == []


def test_a_new_database_is_made_without_a_word_and_nothing_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "cwd").mkdir()
    code = (
        "import threading; from pathlib import Path; from tuneloom.release import connection;"
        f"home = Path({str(tmp_path / 'home')!r});"
        "early = threading.Thread(target=connection.warm, args=(home,)); early.start();"
        "connection.warm(home); early.join()"
    )
    done = run(code, tmp_path / "cwd")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "home" / "mlflow.db").is_file()
    assert list((tmp_path / "cwd").iterdir()) == []


def test_a_folder_without_permission_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError  # root, as whom these tests may run, is refused nowhere

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(NotPermitted, match="--home"):
        connect(tmp_path / "home")
