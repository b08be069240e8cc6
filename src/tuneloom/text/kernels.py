"""How the compiled kernels of this package are made: numba, cached on disk, without the GIL.

Threads over pieces of rows use all cores then, and each kernel compiles once a machine: numba keeps the result in
`__pycache__` beside the module, or in the user's cache where the package's folder cannot be written. A cached kernel
does not notice a change in another file, so a kernel calls only kernels of its own module.
"""

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numba
import numpy as np
import pyarrow as pa

from tuneloom.artifacts import user_cache
from tuneloom.workers import cores, in_threads

Function = TypeVar("Function", bound=Callable)
Piece = TypeVar("Piece")
Result = TypeVar("Result")
Integer = int | np.signedinteger
Truth = bool | np.bool_


def kernel(function: Function) -> Function:
    """Compiles `function` at its first call for the types it is called with; keep those the same in every call."""
    return numba.njit(cache=_CACHED, nogil=True, error_model="numpy")(function)


def text_buffers(texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """UTF-8 bytes uint8 (bytes,) and offsets int64 (n + 1,) of `texts`, without a copy; both read-only.

    ["ab", "c"] -> [97, 98, 99], [0, 2, 3]
    """
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1] if offsets else np.zeros(1)
    text = np.frombuffer(data, np.uint8) if data and data.size else np.empty(0, np.uint8)
    return read_only(text), read_only(bounds.astype(np.int64, copy=False))


def text_array(text: np.ndarray, bounds: np.ndarray) -> pa.LargeStringArray:
    """The inverse of `text_buffers`: uint8 (bytes,) and int64 (n + 1,) -> n strings."""
    return pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(text))


def read_only(array: np.ndarray) -> np.ndarray:
    """The same array of any shape and dtype, marked read-only: kernels are compiled for that one kind of array."""
    view = array.view()
    view.flags.writeable = False
    return view


def over_threads(function: Callable[[Piece], Result], pieces: Iterable[Piece]) -> list[Result]:
    """`function` of each piece, in the order of the pieces, on as many threads as this process has cores."""
    work = list(pieces)
    return list(in_threads(function, work, min(len(work), cores()) or 1))


def _place_cache() -> bool:
    """Where the package's folder cannot be written, points numba elsewhere; False where nowhere can be written."""
    if numba.config.CACHE_DIR:
        return True
    here = Path(__file__).parent
    if _writable(here / "__pycache__" if (here / "__pycache__").is_dir() else here):
        return True
    for folder in (user_cache() / "numba", Path(tempfile.gettempdir()) / f"tuneloom-numba-{os.getuid()}"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if _writable(folder):
            numba.config.CACHE_DIR = str(folder)
            return True
    return False


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


_CACHED = _place_cache()
