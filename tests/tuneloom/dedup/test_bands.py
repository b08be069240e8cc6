"""The shuffle by band: which rows share a hash, however it is worked out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuneloom.dedup.bands import BandFiles, runs, shared_buckets
from tuneloom.workers import Threads


def test_runs_are_numbered_hashes_that_occur_twice():
    places, buckets, count = runs(np.array([7, 5, 7, 6, 5, 7], np.uint64))
    found = dict(zip(places.tolist(), buckets.tolist(), strict=True))
    assert found == {0: 1, 1: 0, 2: 1, 4: 0, 5: 1}
    assert count == 2
    assert runs(np.empty(0, np.uint64))[2] == 0


def write(folder: Path, pieces: list[np.ndarray], bands: int) -> list[Path]:
    with BandFiles(folder, bands) as files:
        for piece in pieces:
            files.add(piece)
    return files.paths


MATRIX = st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), max_size=30)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(MATRIX, st.integers(1, 7), st.sampled_from([1, 100, 1 << 30]), st.randoms())
def test_t13_neither_memory_nor_pieces_nor_threads_change_who_meets_whom(
    tmp_path_factory: pytest.TempPathFactory, matrix: list[list[int]], cut: int, memory: float, random
):
    hashes = np.array(matrix, np.uint64).reshape(-1, 3)
    order = list(range(len(matrix)))
    random.shuffle(order)
    chosen = np.array(order[: len(order) * 2 // 3], np.int64)
    files = write(tmp_path_factory.mktemp("bands"), [hashes[:cut], hashes[cut:]], 3)
    contending, found = shared_buckets(files, chosen, Threads(cut % 3 + 1), memory)
    held = {n: set(found.numbers[slice(*found.bounds[i : i + 2])]) for i, n in enumerate(contending.tolist())}
    for x in range(len(chosen)):
        for y in range(x):
            meets = bool((hashes[chosen[x]] == hashes[chosen[y]]).any())
            assert bool(held.get(x, set()) & held.get(y, set())) == meets
    assert all(held.values()), "who shares nothing does not contend"
