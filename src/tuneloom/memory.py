"""Freed memory goes back to the system, instead of being kept for whoever asks next.

By default glibc learns to keep blocks of up to 32 MiB, an arena a thread. Where a stage goes through many rows in
pieces, that is several times what it holds. Arrow's own pools keep as much; the package has it use glibc's, which is
chosen as Arrow is loaded. Of 265 MiB for 35 in use 70 stay.
"""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

_TRIM, _MAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
_LEARNT = 32 << 20
"""Where glibc's own threshold ends up in a process that has freed large blocks."""


@contextlib.contextmanager
def freed_memory_given_back(least: int = 1 << 20) -> Iterator[None]:
    """Within, blocks of `least` bytes or more go back to the system when they are freed, throughout the process; it
    costs page faults, so it is not for training.

    with freed_memory_given_back():
        store.ensure(spec, build)
    """
    _set_thresholds(least)
    try:
        yield
    finally:
        _set_thresholds(_LEARNT)


def _set_thresholds(size: int) -> None:
    """Of glibc; other C libraries go by rules of their own."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MAP, size)
        mallopt(_TRIM, 2 * size)
        ctypes.CDLL(None).malloc_trim(0)
