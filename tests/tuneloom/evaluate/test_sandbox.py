"""Programs nobody has read: what they may do, what they may not, and that nothing of them is left."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import needed
from tuneloom.evaluate import sandbox
from tuneloom.evaluate.sandbox import Limits, NoSandbox, run_tests


@pytest.fixture(autouse=True, scope="module")
def _sandbox():
    needed(f"a sandbox ({sandbox.missing()})", sandbox.missing() is None)


def test_a_right_program_passes_and_a_wrong_one_is_told_with_its_error():
    assert run_tests("def f(x):\n    return x + 1", "assert f(1) == 2").state == "passed"
    wrong = run_tests("def f(x):\n    return x", "assert f(1) == 2, 'not one more'")
    assert (wrong.state, wrong.detail) == ("failed", "AssertionError: not one more")
    assert "SyntaxError" in run_tests("def f(:", "").detail


@pytest.mark.parametrize("ending", ["import sys; sys.exit(0)", "import os; os._exit(0)", "raise SystemExit"])
def test_a_program_that_ends_before_its_tests_has_failed_whatever_its_exit_code(ending: str):
    assert run_tests(ending, "assert False").state == "failed"


@pytest.mark.parametrize(
    "endless", ["while True: pass", "import time; time.sleep(60)", "import os; os.fork(); os.wait()\nwhile 1: pass"]
)
def test_an_endless_program_is_ended(endless: str):
    assert run_tests(endless, "", Limits(seconds=0.5)).state == "timed out"


@pytest.mark.parametrize(
    ("reach", "error"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', PORT), 2)", "OSError"),
        ("import socket; socket.create_connection(('192.0.2.1', 80), 2)", "OSError"),
        ("open(SECRET).read()", "FileNotFoundError"),
        ("open('/etc/passwd').read()", "FileNotFoundError"),
        ("open(PYTHON + '/planted', 'w')", "OSError"),
        ("open('/tests.py').read()", "FileNotFoundError"),
        ("import os; os.environ['PLANTED']", "KeyError"),
        ("import os; os.kill(PARENT, 9)", "ProcessLookupError"),
        ("import ctypes; assert ctypes.CDLL(None).mount(b'tmpfs', b'/tmp', b'tmpfs', 0, b'') == 0", "AssertionError"),
    ],
)
def test_it_reaches_nothing_of_this_machine(reach: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import socket
    import sys

    monkeypatch.setenv("PLANTED", "secret")
    (tmp_path / "secret").write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as server:
        known = {
            "PORT": server.getsockname()[1],
            "SECRET": str(tmp_path / "secret"),
            "PYTHON": sys.prefix,
            "PARENT": os.getpid(),
        }
        said = run_tests("\n".join(f"{name} = {value!r}" for name, value in known.items()) + f"\n{reach}", "")
    assert said.state == "failed"
    assert error in said.detail
    assert not (Path(sys.prefix) / "planted").exists()


@pytest.mark.parametrize(
    "greedy",
    [
        "x = bytearray(1 << 30)",
        "open('/tmp/x', 'w').write('a' * (64 << 20))",
        "[open(f'/tmp/{i}', 'w').write('a' * (8 << 20)) for i in range(8)]",
        "import os\nfor i in range(300): os.fork()",
        "while True: print('x' * 10000)",
    ],
)
def test_memory_files_processes_and_output_are_limited(greedy: str):
    assert run_tests(greedy, "", Limits(seconds=5)).state == "failed"


def test_what_it_started_dies_with_it():
    mark = f"73{os.getpid()}"
    program = f"import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep({mark})"
    assert (
        run_tests(f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {program!r}])", "").state
        == "passed"
    )
    time.sleep(0.2)
    assert mark not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_where_there_is_none_nothing_is_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sandbox, "missing", lambda: "no namespaces")
    with pytest.raises(NoSandbox, match="no namespaces"):
        run_tests("", "")


def test_walls_that_cannot_be_made_are_no_failure_of_the_program():
    """A file where a folder in memory should be, say: the solution is not to blame, and did not run."""
    with pytest.raises(NoSandbox, match="mount"):
        run_tests("", "", Limits(files=-1))


def test_surrogates_and_nul_in_an_answer_are_no_crash():
    assert run_tests("x = '\ud800'", "").state in ("passed", "failed")
    assert run_tests("x = 1\0", "").state == "failed"
