"""Many files: an artifact each, those that are new made side by side by worker processes that they share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from tuneloom.artifacts import Artifact, Spec, Store, Writer
from tuneloom.config import Source
from tuneloom.ingest.block import Terms
from tuneloom.ingest.discover import SourceFile
from tuneloom.ingest.stage import ingest_file, workers_for
from tuneloom.workers import Workers, in_threads


@dataclass(frozen=True)
class Job:
    """A file and the artifact it becomes; `check` is called once it is read, and raises where it may not be kept."""

    spec: Spec
    file: SourceFile
    source: Source
    check: Callable[[], None] = lambda: None


def ingest_files(store: Store, jobs: Sequence[Job], terms: Terms, limit: int | None = None) -> Iterator[Artifact]:
    """The artifacts in the order of the jobs; what is in the store is not read again."""
    new = [job.file.path for job in jobs if store.find(job.spec.reference) is None]
    with workers_for(new) as workers, _memory_given_back():
        make = partial(_make, store=store, terms=terms, limit=limit, workers=workers)
        yield from in_threads(make, jobs, workers.count if workers else 1)


@contextmanager
def _memory_given_back() -> Iterator[None]:
    """Arrow's own allocator keeps what was freed, a third of all that a large file takes."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def _make(job: Job, store: Store, terms: Terms, limit: int | None, workers: Workers | None) -> Artifact:
    def read(writer: Writer) -> None:
        ingest_file(writer, job.file, job.source, terms, limit, workers)
        job.check()

    return store.ensure(job.spec, read)
