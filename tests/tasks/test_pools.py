"""The same bytes wherever the pieces are worked on: threads, processes, two workers of a Dask or a Ray cluster."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tasks.pools import pool_of
from tests.conftest import needed
from tests.tuneloom.dedup.builders import ingest_rows, numbered, run, said
from tuneloom.artifacts import Artifact, Store
from tuneloom.config import Dedup, Near, Run
from tuneloom.dedup.stage import deduplicate
from tuneloom.errors import ConfigError

LONG = " ".join(f"word{n}" for n in range(40))
CHINESE = "近年来全球平均气温持续升高，许多地区频繁出现干旱和洪水，科学家呼吁各国政府尽快采取行动。"


def deduplicated(folder: Path, where: Run, search: str = "lsh") -> Artifact:
    store = Store(folder / where.task_runner / search)
    texts = [f"{LONG} {'x ' * (n % 4)}" for n in range(30)] + [f"{CHINESE}{'的' * (n % 3)}" for n in range(9)]
    files = [numbered([said(text, str(n % 2)) for n, text in enumerate(texts)], file=name) for name in "abcde"]
    rows = ingest_rows(store, *files)
    config = Dedup(near=Near(search=search))
    with pool_of(where, preload=["tuneloom.dedup.pieces"]) as pool:
        memory = where.memory * 2**30
        return run(store, "dedup", rows, lambda writer: deduplicate(writer, rows, config, {}, store, pool, memory))


def digests(made: Artifact) -> dict[str, str]:
    assert made.manifest.counts.rejected > 150
    return {file.path: file.digest for file in made.manifest.files}


@pytest.mark.parametrize("search", ["lsh", "exact"])
def test_processes_make_the_bytes_that_threads_make(tmp_path: Path, search: str):
    expected = digests(deduplicated(tmp_path, Run(), search))
    several = Run(task_runner="process", partitions=2, memory=1e-6)
    assert digests(deduplicated(tmp_path, several, search)) == expected


def test_two_workers_of_a_dask_cluster_make_the_bytes_that_threads_make(tmp_path: Path):
    needed("distributed", find_spec("distributed") is not None)
    expected = digests(deduplicated(tmp_path, Run()))
    assert digests(deduplicated(tmp_path, Run(task_runner="dask", partitions=2))) == expected


@pytest.mark.slow
def test_two_workers_of_a_ray_cluster_make_the_bytes_that_threads_make(tmp_path: Path):
    needed("ray", find_spec("ray") is not None)
    expected = digests(deduplicated(tmp_path, Run()))
    assert digests(deduplicated(tmp_path, Run(task_runner="ray", partitions=2))) == expected


@pytest.mark.parametrize(("runner", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_a_cluster_without_its_package_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, runner: str, module: str
):
    monkeypatch.setitem(sys.modules, module, None)
    with (
        pytest.raises(ConfigError, match=rf"run.task_runner: {runner}.*tuneloom\[{runner}\]"),
        pool_of(Run(task_runner=runner)),
    ):
        pass
