"""What killed processes leave is swept when nobody can want it any more, and never before."""

import os
import time
from pathlib import Path

import pytest

from tests.tuneloom.artifacts.test_locks import holder
from tuneloom.artifacts import Spec, Store
from tuneloom.artifacts.work import DAY

OLD, RECENT = 2 * DAY, 60.0


def left(store: Path, name: str, age: float) -> Path:
    folder = store / ".work" / name
    folder.mkdir(parents=True)
    (folder / "rows.arrow").write_bytes(b"x")
    for path in (folder / "rows.arrow", folder):
        os.utime(path, (time.time() - age,) * 2)
    return folder


def lock_file(store: Path, name: str) -> Path:
    path = store / ".locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize(
    ("name", "locked", "age", "stays"),
    [
        ("memo-abc", False, RECENT, True),
        ("memo-abc", False, OLD, False),
        ("replaced-abc", False, OLD, False),
        ("dedup-5d41-abc", True, RECENT, False),
        ("dedup-5d41-abc", False, RECENT, True),
        ("train-5d41.resume", True, OLD, True),
        ("train-5d41.resume", True, 8 * DAY, False),
    ],
)
def test_leftovers_go_before_something_is_made(
    tmp_path: Path, name: str, locked: bool, age: float, stays: bool
) -> None:
    folder = left(tmp_path, name, age)
    if locked:
        lock_file(tmp_path, name.removesuffix(".resume").removesuffix("-abc"))
    Store(tmp_path).ensure(Spec("split", "code"), lambda writer: None)
    assert folder.is_dir() is stays


@pytest.mark.parametrize(("name", "age"), [("dedup-5d41-abc", OLD), ("dedup-5d41.resume", 8 * DAY)])
def test_work_of_a_living_process_stays(tmp_path: Path, name: str, age: float) -> None:
    folder = left(tmp_path, name, age)
    other = holder(lock_file(tmp_path, "dedup-5d41"))
    try:
        Store(tmp_path).ensure(Spec("split", "code"), lambda writer: None)
        assert folder.is_dir()
    finally:
        other.kill()
        other.wait()
