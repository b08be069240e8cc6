"""Workers: results in order, bounded, errors told, and nobody left when the parent is killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tuneloom.errors import TuneloomError
from tuneloom.workers import Threads, Workers, in_threads


def test_results_come_in_the_order_of_the_items() -> None:
    with Workers(2) as workers:
        assert list(workers.map(abs, range(-20, 0))) == [*range(20, 0, -1)]


def test_items_are_taken_only_as_results_are() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with Workers(2) as workers:
        results = workers.map(abs, items())
        next(results)
        assert len(taken) <= 5


@pytest.mark.parametrize("count", [1, 2, 5])
def test_t13_threads_give_results_in_order_and_take_items_only_as_results_are(count: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(60):
            taken.append(number)
            yield -number

    results = Threads(count).map(abs, items())
    assert next(results) == 0
    assert len(taken) <= 2 * count + 1
    assert list(results) == [*range(1, 60)]


def test_t2_an_error_in_a_thread_is_raised() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(Threads(2).map(int, ["1", "2", "x", "4"]))


def test_an_error_in_a_worker_is_raised() -> None:
    with Workers(1) as workers, pytest.raises(ValueError, match="invalid literal"):
        list(workers.map(int, ["1", "x"]))


def test_a_worker_that_is_killed_is_told_in_words_with_a_remedy() -> None:
    with Workers(1) as workers, pytest.raises(TuneloomError, match=r"memory ran out.*fewer cores.*__main__"):
        list(workers.map(os._exit, [9]))


_UNGUARDED = """
from tuneloom.workers import Workers
with Workers(1) as workers:
    print(*workers.map(abs, [-1]))
"""


def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(_UNGUARDED)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'needs `if __name__ == "__main__":`' in done.stderr.splitlines()[-1]


def test_threads_keep_the_order_and_begin_nothing_after_an_error() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.01)
        return 10 // (3 - number)

    assert list(in_threads(abs, [-1, -2, -3], 2)) == [1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        list(in_threads(work, range(100), 2))
    assert len(begun) < 20


_PARENT = """
import os, time
from tuneloom.errors import TuneloomError
from tuneloom.workers import Workers
def main():
    with Workers(2) as workers:
        print(*workers.map(pid, range(4)), flush=True)
        time.sleep(60)
def pid(number):
    time.sleep(0.2)
    return os.getpid()
if __name__ == "__main__":
    main()
"""


def test_workers_are_gone_when_their_parent_is_killed(tmp_path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    workers = {int(pid) for pid in parent.stdout.readline().split()}
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert workers
    deadline = time.monotonic() + 30
    while any(map(_alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stream:
        return stream.read().rpartition(")")[2].split()[0] != "Z"
