"""Where the pieces of a stage's work run: threads, or processes for what threads cannot share out (Python runs one at a
time). A pool of another kind, on a cluster say, is anything with the same `map` (`Pool`).

Worker processes end with their parent. They are forked from a server that holds the imports but no threads, so that a
worker starts in milliseconds and inherits no lock that another thread held.
"""

import collections
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from multiprocessing.connection import wait
from typing import Any, Protocol, Self, TypeVar

from tuneloom.errors import TuneloomError

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2
"""Results a worker may be ahead of whoever takes them: what bounds the memory."""


class Pool(Protocol):
    """Where pieces of work run. What they give never depends on it: neither on the kind nor on `count`."""

    count: int
    """Pieces worked on at a time."""
    threads: int
    """Threads that the work on one piece may use."""

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`function` of each item, in their order; raises what it raises. Both can be pickled."""


class Threads:
    """A pool of threads in this process, as many as there are cores."""

    def __init__(self, count: int | None = None) -> None:
        self.count = self.threads = count or cores()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`function` of each item, in their order; takes items only as results are taken."""
        if self.count == 1:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(self.count) as pool:
            yield from in_order(lambda item: pool.submit(function, item).result, items, self.count * _AHEAD)


class Workers:
    """As many processes as there are cores; they start when there is work.

    with Workers(preload=["tuneloom.ingest.block"]) as workers:
        for table in workers.map(convert, pieces): ...
    """

    def __init__(self, count: int | None = None, preload: Sequence[str] = ()) -> None:
        self.count, self.threads = count or cores(), 1
        context = _context(preload)
        self._pool = ProcessPoolExecutor(self.count, context, initializer=end_with_parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`function` of each item, in their order; takes items only as results are taken.

        Raises what `function` raises, and TuneloomError where a worker was killed (out of memory).
        """
        try:
            yield from in_order(lambda item: self._pool.submit(function, item).result, items, self.count * _AHEAD)
        except BrokenProcessPool as error:
            raise TuneloomError(
                "a worker process was ended from outside, as a rule because memory ran out",
                where=f"{self.count} workers",
                remedy="Free memory, or use fewer cores (`taskset -c 0 tuneloom ...`), and run again: what is finished "
                'stays. A script of your own that calls Tuneloom needs `if __name__ == "__main__":`.',
            ) from error


def start_importing(preload: Sequence[str]) -> None:
    """Starts the server that `Workers` of the same `preload` are forked from, and does not wait until it has imported
    them: their start then costs nothing."""
    _context(preload)
    forkserver.ensure_running()


def _context(preload: Sequence[str]) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*preload])
    return context


def in_order(submit: Callable[[Item], Callable[[], Result]], items: Iterable[Item], ahead: int) -> Iterator[Result]:
    """Results in the order of the items; `submit` starts work on one and returns how to wait for its result. At most
    `ahead` are under way or waiting to be taken."""
    waiting: collections.deque[Callable[[], Result]] = collections.deque()
    for item in items:
        waiting.append(submit(item))
        if len(waiting) >= ahead:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], count: int) -> Iterator[Result]:
    """`function` of each item, in their order, `count` at a time; after an error no further one is begun."""
    if count == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(count)
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent() -> None:
    """In a worker process: a thread that ends it as soon as the process that started it is gone, even by kill -9."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.sentinel,), daemon=True).start()


def _wait_and_end(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
