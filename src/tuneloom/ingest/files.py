"""Many files: an artifact each, those that are new made side by side by worker processes that they share.

Which entries of the list of takedowns concern a file that nobody has read is known once it is read: where it holds
some, nothing of it is kept, and it is read once more under the key that names them.
"""

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
from tuneloom.ingest.takedowns import entries_of, note, standing_specs, without
from tuneloom.workers import Workers, in_threads


@dataclass(frozen=True)
class Job:
    """A file and the artifact it becomes if none of its rows was taken down; `check` is called once it is read, and
    raises where it may not be kept."""

    spec: Spec
    file: SourceFile
    source: Source
    check: Callable[[], None] = lambda: None


def ingest_files(store: Store, jobs: Sequence[Job], terms: Terms, limit: int | None = None) -> Iterator[Artifact]:
    """The artifacts in the order of the jobs; what is in the store is not read again."""
    specs = standing_specs(store, [job.spec for job in jobs], terms.takedowns)
    new = [job.file.path for job, spec in zip(jobs, specs, strict=True) if store.find(spec.reference) is None]
    with workers_for(new) as workers, _memory_given_back():
        make = partial(_make, store=store, terms=terms, limit=limit, workers=workers)
        yield from in_threads(make, list(zip(jobs, specs, strict=True)), workers.count if workers else 1)


@contextmanager
def _memory_given_back() -> Iterator[None]:
    """Arrow's own allocator keeps what was freed, a third of all that a large file takes."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


class _HoldsOthersError(Exception):
    """A file holds other entries than its key says."""

    def __init__(self, entries: frozenset[str]) -> None:
        super().__init__(entries)
        self.entries = entries


def _make(one: tuple[Job, Spec], store: Store, terms: Terms, limit: int | None, workers: Workers | None) -> Artifact:
    job, spec = one

    def read(writer: Writer) -> None:
        taken = ingest_file(writer, job.file, job.source, terms, limit, workers)
        job.check()
        if taken != entries_of(spec):
            raise _HoldsOthersError(taken)

    try:
        return store.ensure(spec, read)
    except _HoldsOthersError as found:
        note(store, job.spec, found.entries)
        return _make((job, without(job.spec, found.entries)), store, terms, limit, workers)
