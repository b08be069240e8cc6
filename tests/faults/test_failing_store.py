"""A store elsewhere of which one call in ten fails: trying again is enough, and nothing half is ever read."""

import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.tuneloom.artifacts.test_remote import PAIRS, keep_all
from tuneloom.artifacts import Spec, Store
from tuneloom.runs import RunRecord, read_run, write_run

CALLS = ("cat_file", "pipe_file", "get_file", "put_file", "exists", "find", "glob", "rm", "modified", "mv")
Made = TypeVar("Made")


class Failing(MemoryFileSystem):
    """Memory, of which one call in ten raises as a bad connection does."""

    protocol = "failing"
    cachable = False
    chance = random.Random(0)
    failed = 0


def _fails(name: str) -> Callable[..., Any]:
    real = getattr(MemoryFileSystem, name)

    def call(self: Failing, *arguments: Any, **more: Any) -> Any:
        if Failing.chance.random() < 0.1:
            Failing.failed += 1
            raise ConnectionResetError(f"{name} was cut")
        return real(self, *arguments, **more)

    return call


for one in CALLS:
    setattr(Failing, one, _fails(one))
fsspec.register_implementation("failing", Failing, clobber=True)


def tried(work: Callable[[], Made]) -> Made:
    """As a task does: again after an error that may pass."""
    for _ in range(50):
        try:
            return work()
        except ConnectionResetError:
            continue
    raise AssertionError("it never succeeds")


@pytest.mark.parametrize("seed", range(1, 13))
def test_trying_again_ends_with_whole_artifacts_and_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    Failing.chance, Failing.failed = random.Random(seed), 0
    url = f"failing://store-{uuid.uuid4().hex}"
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "a"))
    first = tried(lambda: Store(url).ensure(Spec("dedup", "c"), keep_all))
    second = tried(lambda: Store(url).ensure(Spec("split", "c", parents=(first.reference,)), keep_all))
    tried(lambda: write_run(Store(url), RunRecord("r", "p", stages={"split": second.reference.key})))
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "b"))  # another machine
    store = tried(lambda: Store(url))
    lineage = tried(lambda: list(store.lineage(tried(lambda: store.find(second.reference)))))
    assert [len(artifact.table()) for artifact in lineage] == [len(PAIRS), len(PAIRS)]
    assert list(store.faults(digests=True)) == []
    assert tried(lambda: read_run(store, "r")).stages == {"split": second.reference.key}
    assert Failing.failed, "no call failed"
