"""Freed memory goes back to the system within, and what was set is learnt again after."""

import os
import subprocess
import sys
import textwrap

import pytest

SCRIPT = textwrap.dedent(
    """
    import contextlib, sys
    from pathlib import Path
    import numpy as np
    from tuneloom.memory import freed_memory_given_back

    def resident():
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) >> 10

    within = freed_memory_given_back() if sys.argv[1] == "within" else contextlib.nullcontext()
    np.ones(3 << 20).sum()  # 24 MiB: from here on glibc keeps blocks of that size, unless told otherwise
    with within:
        held, before = [], resident()
        for _ in range(40):
            made, kept = np.ones(1 << 18), np.ones(2000)  # 2 MiB, and a little that stays behind it
            held.append((made, kept))
        held = [kept for _, kept in held]
        del made
        print(resident() - before)
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own")
@pytest.mark.parametrize(("where", "least", "most"), [("within", -8, 12), ("outside", 60, 200)])
def test_what_is_freed_goes_back(where: str, least: int, most: int):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, where], env={**os.environ}, capture_output=True, text=True, check=True
    )
    assert least <= int(done.stdout) <= most
