"""Who runs: a mark that names one process for good, so that a later start can tell what a dead one left behind.

A pid alone is given again; host, pid and start time together are not.
"""

import getpass
import os
import platform
import subprocess
from pathlib import Path


def process_mark(pid: int | None = None) -> str:
    """`host:pid:start` of a living process, this one by default: `loom7:4711:8831204`."""
    pid = os.getpid() if pid is None else pid
    return f"{platform.node()}:{pid}:{_start(pid) or 'unknown'}"


def is_dead(mark: str) -> bool:
    """True where the process that `mark` names is surely gone; False for another host's, which cannot be asked."""
    host, _, rest = mark.partition(":")
    pid, _, start = rest.partition(":")
    if host != platform.node() or not pid.isdigit():
        return False
    return _start(int(pid)) != start


def lives_here(mark: str) -> bool:
    """True where `mark` names a process of this host that has not ended: it may be asked, signalled, waited for."""
    return mark.startswith(f"{platform.node()}:") and mark.count(":") == 2 and not is_dead(mark)


def user_name() -> str:
    """Whose process this is; `uid 1000` where the system has no name for it, as in many a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError before Python 3.13
        return f"uid {os.getuid()}"


def _start(pid: int) -> str | None:
    """When the process started, as the system writes it; None where there is none, or only its zombie."""
    status = Path("/proc") / str(pid) / "stat"
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return "-".join(listed.stdout.split()).replace(":", ".") or None
    try:
        fields = status.read_text("utf-8", "replace").rpartition(")")[2].split()  # the name before may hold spaces
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, start = fields[0], fields[19]  # proc_pid_stat(5): fields 3 and 22
    return None if state in "ZX" else start
