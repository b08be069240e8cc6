"""Runs a program nobody has read: no network, no files of the machine, little time and memory, and only on Linux.

The program is a process of its own in fresh namespaces (user, network, mount, pid, IPC; see namespaces(7)): it sees
Python and the system's libraries, read-only, and an empty folder in memory. It has no privileges, and what it starts
dies with it. Where the kernel gives no such namespaces, `missing()` says why, and nothing is run.
"""

import contextlib
import functools
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tuneloom.evaluate._inside_sandbox import KILLED, NO_SANDBOX

_INSIDE = Path(__file__).with_name("_inside_sandbox.py")
_GRACE = 5.0
"""Seconds beyond the limit in which the sandbox itself starts and ends."""

State = Literal["passed", "failed", "timed out"]


class NoSandbox(RuntimeError):
    """The walls could not be made, and so nothing was run."""


@dataclass(frozen=True)
class Limits:
    """What a program may use: seconds of wall time, MiB of memory, MiB of files."""

    seconds: float = 5.0
    memory: int = 512
    files: int = 16


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the last line it wrote to its standard error: `AssertionError`, say."""

    state: State
    detail: str


def run_tests(solution: str, tests: str, limits: Limits = Limits()) -> Ended:
    """Runs `solution`, then `tests` with its names: passed only where the last line of `tests` was reached.

    A solution that ends the process, whatever its exit code, has failed. Raises NoSandbox where `missing()` says why.
    """
    if (why := missing()) is not None:
        raise NoSandbox(why)
    return _run(solution, tests, limits)


@functools.cache
def missing() -> str | None:
    """Why programs cannot be run here; None where they can."""
    if sys.platform != "linux":
        return f"a sandbox needs Linux, and this is {sys.platform}"
    try:
        tried = _run("", "", Limits())
    except NoSandbox as error:
        return f"this machine gives no namespaces to a sandbox ({error})"
    return None if tried.state == "passed" else f"an empty program {tried.state} in it ({tried.detail})"


def _run(solution: str, tests: str, limits: Limits) -> Ended:
    """The sign of success is a word that the program cannot know, written where it cannot write."""
    word = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="tuneloom-") as folder:
        asked = {"solution": solution, "tests": tests, "word": word, "folder": folder, **vars(limits)}
        asked["readable"] = sorted({sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/alternatives"})
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(_INSIDE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.defpath, "PYTHONHASHSEED": "0"},
            start_new_session=True,
            cwd=folder,
        ) as child:
            try:
                out, err = child.communicate(json.dumps(asked).encode(), timeout=limits.seconds + _GRACE)
            except subprocess.TimeoutExpired:
                return Ended("timed out", f"more than {limits.seconds:g} s")
            finally:
                _end(child)
    if out.decode("ascii", "replace").strip() == word:
        return Ended("passed", "")
    lines = err.decode("utf-8", "replace").strip().splitlines()
    if child.returncode == NO_SANDBOX:
        raise NoSandbox(lines[-1] if lines else "no reason given")
    if child.returncode == KILLED:
        return Ended("timed out", f"more than {limits.seconds:g} s")
    return Ended("failed", lines[-1][:200] if lines else "it ended before its tests did")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Whatever is left of the session; the kernel ends all of its pid namespace with the first process of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
