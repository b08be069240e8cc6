"""A mark names one process for good."""

import os
import subprocess
import sys

import pytest

from tuneloom.release.processes import is_dead, process_mark, user_name


def test_this_process_lives() -> None:
    assert not is_dead(process_mark())


def test_a_process_that_ended_is_dead_even_as_a_zombie() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    mark = process_mark(child.pid)
    assert not is_dead(mark)
    child.stdin.close()
    child.stdout.read()  # its end of the pipe closes as it dies; nobody has waited for it yet
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(mark)
    child.wait()
    assert is_dead(mark)


def test_a_pid_that_was_given_again_is_not_taken_for_the_old_process() -> None:
    host, pid, start = process_mark().split(":")
    assert is_dead(f"{host}:{pid}:{int(start) - 1}")


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert user_name() == "uid 4711"


def test_of_another_host_or_an_unreadable_mark_nothing_is_known() -> None:
    assert not is_dead("somewhere-else:1:1")
    assert not is_dead("")
    assert not is_dead("nonsense")
