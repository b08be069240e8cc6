"""Run by `sandbox` as a script of its own, with the standard library alone: makes the walls, then runs the program.

Reads one JSON object from standard input (solution, tests, word, folder, readable, seconds, memory, files); writes the
word to standard output where the tests passed, what the program complained of to standard error.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import tempfile
from typing import Any

_NEW_USER, _NEW_NET, _NEW_MOUNTS, _NEW_PIDS, _NEW_IPC, _NEW_NAMES = (
    0x10000000, 0x40000000, 0x00020000, 0x20000000, 0x08000000, 0x04000000,
)  # fmt: skip
_BIND, _RECURSIVE, _PRIVATE, _NO_SUID, _NO_DEVICES = 4096, 16384, 1 << 18, 2, 4
_DETACH = 2
_ALL_BELOW = 0x8000
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR = 442
_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38
_NOBODY = 65534

KILLED, NO_SANDBOX = 137, 71
"""Exit codes: the program was killed, at its limit of time most likely; the walls could not be made."""

# The program finds nothing on its standard input; the word comes last, where only the end of the tests asks for it.
_RUNNER = """
import os, sys
ask, tell = os.dup(0), os.dup(1)
nothing = os.open("/dev/null", os.O_RDWR)
os.dup2(nothing, 0), os.dup2(2, 1)
names, read = {"__name__": "solution"}, {}
for what in ("solution", "tests"):
    with open(f"/{what}.py", encoding="utf-8", errors="surrogatepass") as file:
        read[what] = file.read()
    os.unlink(file.name)
for what, text in read.items():
    exec(compile(text, f"{what}.py", "exec"), names)
os.write(tell, os.read(ask, 64))
os._exit(0)
"""
_LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Namespaces first: the child made after that is the first process in its own, and all others die with it."""
    asked = json.loads(sys.stdin.buffer.read())
    _enter_namespaces()
    word, give = os.pipe()
    os.write(give, asked["word"].encode())
    os.close(give)
    with tempfile.TemporaryFile(dir=asked["folder"]) as complaints:
        built, building = os.pipe()
        child = os.fork()
        if child == 0:
            _become_the_program(asked, word, complaints.fileno(), building)
        os.close(building)
        if wrong := os.read(built, 1000):  # closed without a word by the exec
            os.write(2, wrong)
            os._exit(NO_SANDBOX)
        # From outside: the first process of a namespace is not ended by signals of its own, an alarm's neither.
        signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, asked["seconds"])
        _, status = os.waitpid(child, 0)
        complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - 4096))
        os.write(2, complaints.read())
    os._exit(KILLED if os.waitstatus_to_exitcode(status) == -signal.SIGKILL else 0)


def _enter_namespaces() -> None:
    """The program will be nobody in them: for the kernel the user who runs this, and where that is root, who has no
    limit on processes, the machine's nobody. Only a process that stayed outside may arrange that."""
    kinds = _NEW_USER | _NEW_NET | _NEW_MOUNTS | _NEW_PIDS | _NEW_IPC | _NEW_NAMES
    user, group, own = os.getuid(), os.getgid(), os.getpid()
    if user != 0:
        _done(_LIBC.unshare(kinds), "unshare")
        _write_maps(own, f"{_NOBODY} {user} 1", f"{_NOBODY} {group} 1")
        return
    ready, tell = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(tell)
        os.read(ready, 1)
        _write_maps(own, *2 * (f"0 0 1\n{_NOBODY} {_NOBODY} 1",))
        os._exit(0)
    _done(_LIBC.unshare(kinds), "unshare")
    os.close(tell)
    _, status = os.waitpid(helper, 0)
    if status != 0:
        raise OSError("the users of a namespace cannot be named")


def _write_maps(process: int, users: str, groups: str) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", users), ("gid_map", groups)):
        with open(f"/proc/{process}/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _become_the_program(asked: dict[str, Any], word: int, complaints: int, building: int) -> None:
    """Never returns. Whatever privileges the namespaces gave go with the exec, for its user is nobody in them."""
    try:
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        _close_off(asked)
        _LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        for number, descriptor in ((0, word), (2, complaints)):
            os.dup2(descriptor, number)
        if os.getuid() != _NOBODY:
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        _limit(asked)
        os.execv(sys.executable, [sys.executable, "-I", "-B", "-c", _RUNNER])  # all other descriptors close with it
    except (OSError, LookupError, ValueError) as error:
        os.write(building, str(error).encode())
    finally:
        os._exit(NO_SANDBOX)


def _close_off(asked: dict[str, Any]) -> None:
    """A root in memory with Python and the system's libraries in it, read-only, and nothing else."""
    root = os.path.join(asked["folder"], "root")
    os.mkdir(root)
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", root, "tmpfs", _NO_SUID | _NO_DEVICES, f"size={asked['files']}m,mode=777")
    for path in asked["readable"]:
        _show(path, root)
    os.makedirs(f"{root}/dev", exist_ok=True)
    for device in ("/dev/null", "/dev/zero", "/dev/urandom"):
        with open(root + device, "w", encoding="ascii"):
            pass
        _mount(device, root + device, None, _BIND)
    os.makedirs(f"{root}/tmp")
    os.chmod(f"{root}/tmp", 0o1777)
    for name in ("solution", "tests"):
        with open(f"{root}/{name}.py", "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(asked[name])
    os.chdir(root)
    _done(_LIBC.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _done(_LIBC.umount2(b".", _DETACH), "umount")
    os.chdir("/tmp")


def _show(path: str, root: str) -> None:
    """A folder as it is, with all that is mounted below it, for reading alone."""
    seen = root + path
    if os.path.islink(path):
        os.makedirs(os.path.dirname(seen), exist_ok=True)
        if not os.path.lexists(seen):
            os.symlink(os.readlink(path), seen)
    elif os.path.isdir(path) and not os.path.isdir(seen):
        os.makedirs(seen)
        _mount(path, seen, None, _BIND | _RECURSIVE)
        read_only = (ctypes.c_uint64 * 4)(1 | _NO_SUID | _NO_DEVICES, 0, 0, 0)
        _done(
            _LIBC.syscall(_MOUNT_SETATTR, -100, seen.encode(), _ALL_BELOW, ctypes.byref(read_only), 32), f"seal {path}"
        )


def _limit(asked: dict[str, Any]) -> None:
    for what, most in (
        (resource.RLIMIT_AS, asked["memory"] << 20),
        (resource.RLIMIT_FSIZE, asked["files"] << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    _done(_LIBC.mount(*texts, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def _done(result: int, what: str) -> None:
    if result == -1:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        os.write(2, str(error).encode())
        os._exit(NO_SANDBOX)
