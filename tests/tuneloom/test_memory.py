"""Freed memory goes back to the system within, and what was set is learnt again after."""

import ctypes
import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import contextlib, ctypes, sys
    import numpy as np
    from tuneloom.memory import freed_memory_given_back

    FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()

    class Malloc(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]

    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Malloc

    def held_from_the_system():
        now = mallinfo2()
        return (now.arena + now.hblkhd) >> 20

    within = freed_memory_given_back() if sys.argv[1] == "within" else contextlib.nullcontext()
    np.ones(3 << 20).sum()  # 24 MiB: from here on glibc keeps blocks of that size, unless told otherwise
    with within:
        held, before = [], held_from_the_system()
        for _ in range(40):
            made, kept = np.ones(1 << 18), np.ones(2000)  # 2 MiB, and a little that stays behind it
            held.append((made, kept))
        held = [kept for _, kept in held]
        del made
        print(held_from_the_system() - before)
    """
)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc's own")
@pytest.mark.parametrize(("where", "least", "most"), [("within", -8, 12), ("outside", 60, 200)])
def test_what_is_freed_goes_back(where: str, least: int, most: int):
    """Without settings of others: a Dask cluster of this process sets a threshold for its children, and so for ours."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", SCRIPT, where], env=own, capture_output=True, text=True, check=True)
    assert least <= int(done.stdout) <= most
