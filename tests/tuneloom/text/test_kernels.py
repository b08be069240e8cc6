"""Kernels: no copies in or out, one compiled version each, a cache that can be written."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tuneloom.text import keys, shingles, signatures, similarity
from tuneloom.text.kernels import over_threads, text_array, text_buffers

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("texts", [[], [""], ["ab", "", "中"], ["x"] * 5])
def test_buffers_and_texts_are_inverse(texts: list[str]):
    array = pa.array(texts, pa.large_string())
    assert text_array(*text_buffers(array)).to_pylist() == texts


def test_buffers_of_a_slice_point_into_the_whole():
    text, bounds = text_buffers(pa.array(["ab", "cd", "e"], pa.large_string()).slice(1, 2))
    assert bounds.tolist() == [2, 4, 5]
    assert bytes(text[2:5]) == b"cde"


def test_threads_keep_the_order_of_the_pieces():
    assert over_threads(lambda n: n * n, range(20)) == [n * n for n in range(20)]


def compiled_as_called() -> dict[str, int]:
    """How many versions of each kernel this process holds after calls with sliced, empty and fresh arrays."""
    for texts in (["Ab c d e f"], ["x", "中文"], [], ["a b", "c"]):
        array = pa.array(texts, pa.large_string()).slice(len(texts) // 2)
        code = np.zeros(len(array), np.uint8)
        folded = keys.fold(array, code)
        keys.key_hashes(folded)
        sets = shingles.shingles(folded, code)
        signatures.band_hashes([sets], signatures.bands_for(0.8))
        rows = np.arange(len(array))
        part = similarity.Part(sets, np.zeros(len(array), np.uint64), 0.8)
        buckets = similarity.Buckets(np.zeros(len(array) + 1, np.int64), np.empty(0, np.int32))
        similarity.stars(buckets, part, part, np.zeros(len(array), np.uint64), rows)
        similarity.similarities(sets, rows, rows)
    outer = (keys._fold, keys._hash_texts, shingles._hash_shingles, signatures._take_minima, signatures._hash_bands)
    return {one.__name__: len(one.signatures) for one in (*outer, similarity._grow_stars, similarity._compare_pairs)}


def test_each_kernel_compiles_once_whatever_it_is_called_with():
    """A second specialisation costs seconds of the first run. In a process of its own: other tests call them, too."""
    script = (
        "from tests.tuneloom.text.test_kernels import compiled_as_called; print(set(compiled_as_called().values()))"
    )
    path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "{1}\n"


@pytest.mark.slow
@pytest.mark.parametrize("writable_home", [True, False])
def test_kernels_run_where_the_package_folder_cannot_be_written(tmp_path: Path, writable_home: bool):
    """A package owned by root and, once, no home either: compiled all the same, cached where that is possible."""
    home = tmp_path / "home"
    home.mkdir()
    script = (
        "import os; real = os.access\n"
        f"home = {str(home)!r} if {writable_home} else '/nowhere'\n"
        "os.access = lambda path, mode: str(path).startswith(home) and real(path, mode)\n"
        "import tuneloom.text.kernels as k, numba, numpy as np\n"
        "f = k.kernel(lambda x: x + 1) if not k._CACHED else None\n"
        "print(k._CACHED, numba.config.CACHE_DIR, f and f(np.int64(1)))\n"
    )
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT / "src")}
    environment.pop("NUMBA_CACHE_DIR", None)
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=120
    ).stdout.split()
    assert printed[0] == str(writable_home)
    if writable_home:
        assert printed[1].startswith(str(home))
    else:
        assert printed[-1] == "2"
