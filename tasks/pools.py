"""The pool that the config names: threads, processes, or the workers of a Dask or Ray cluster.

Clusters are spoken to by their own clients: Prefect's task runners would record a task run a piece, and a run has at
most 50 of those whatever the size of the data.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from tuneloom.config import Run
from tuneloom.errors import ConfigError
from tuneloom.workers import Pool, Threads, Workers, cores, in_order

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Results a worker may be ahead of whoever takes them."""


@contextmanager
def pool_of(run: Run, preload: Sequence[str] = ()) -> Iterator[Pool]:
    """The pool for a block of work; `preload` names what worker processes import before they start.

    Raises ConfigError where the package of the cluster is not installed.
    """
    if run.task_runner == "thread":
        yield Threads(run.partitions)
    elif run.task_runner == "process":
        with Workers(run.partitions, preload) as workers:
            yield workers
    elif run.task_runner == "dask":
        yield from _dask(run)
    else:
        yield from _ray(run)


class ClusterPool:
    """Work on a cluster, a piece a task; `submit(function, item)` starts one and returns how to wait for its result."""

    def __init__(self, count: int, submit: Callable[[Any, Any], Callable[[], Any]]) -> None:
        self.count, self.threads = max(1, count), 1
        self._submit = submit

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`function` of each item, in their order; takes items only as results are taken."""
        return in_order(lambda item: self._submit(function, item), items, self.count * AHEAD)


def _dask(run: Run) -> Iterator[Pool]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise _missing("dask") from error
    local = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with ExitStack() as stack:
        count = run.partitions or cores()
        cluster = None if run.address else stack.enter_context(LocalCluster(n_workers=count, **local))
        client = stack.enter_context(Client(cluster or run.address))
        workers = len(client.scheduler_info(n_workers=-1)["workers"])

        def submit(function: Callable[[Item], Result], item: Item) -> Callable[[], Result]:
            return client.submit(function, item, pure=False).result

        yield ClusterPool(run.partitions or workers, submit)


def _ray(run: Run) -> Iterator[Pool]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError as error:
        raise _missing("ray") from error
    local: dict[str, Any] = {
        "num_cpus": run.partitions or cores(),
        "include_dashboard": False,
        "_node_ip_address": "127.0.0.1",
    }
    ray.init(run.address, log_to_driver=False, logging_level=logging.WARNING, **({} if run.address else local))
    try:
        call: Any = ray.remote(_call)

        def submit(function: Callable[[Item], Result], item: Item) -> Callable[[], Result]:
            reference = call.remote(function, item)
            return lambda: ray.get(reference)

        yield ClusterPool(run.partitions or int(ray.cluster_resources().get("CPU", 1)), submit)
    finally:
        ray.shutdown()


def _call(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


def _missing(name: str) -> ConfigError:
    return ConfigError(
        f"the package for a {name.capitalize()} cluster is not installed",
        where=f"run.task_runner: {name}",
        remedy=f'Install it with `pip install "tuneloom[{name}]"`, or use `thread` or `process`.',
    )
