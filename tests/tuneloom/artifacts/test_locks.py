"""A lock that waits, tells, gives up, and dies with its process."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tuneloom.artifacts import lock
from tuneloom.errors import LockTimeout


def holder(path: Path, more: str = "") -> subprocess.Popen:
    script = textwrap.dedent(
        f"""
        import os, sys, time
        from pathlib import Path
        from tuneloom.artifacts import lock
        with lock(Path({str(path)!r}), "it"):
            {more or "pass"}
            print("held", flush=True)
            time.sleep(60)
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_holder_is_told_and_gives_up_at_the_deadline(tmp_path: Path) -> None:
    other, said = holder(tmp_path / "l"), []
    try:
        with pytest.raises(LockTimeout, match="held it"), lock(tmp_path / "l", "it", seconds=0.2, say=said.append):
            pass
    finally:
        other.kill()
        other.wait()
    assert len(said) == 1
    assert f"process {other.pid} on" in said[0]
    assert "waiting" in said[0]


def test_who_waits_is_told_at_once_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuneloom.artifacts.locks.REMIND_SECONDS", 0.2)
    other, said = holder(tmp_path / "l"), []
    try:
        with pytest.raises(LockTimeout), lock(tmp_path / "l", "it", seconds=0.5, say=said.append):
            pass
    finally:
        other.kill()
        other.wait()
    assert len(said) == 3


def test_kill_9_of_the_holder_frees_it_even_from_its_children(tmp_path: Path) -> None:
    other = holder(tmp_path / "l", "os.fork() or (time.sleep(8), os._exit(0))")
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with lock(tmp_path / "l", "it", seconds=5):
        assert other.returncode == -signal.SIGKILL
