"""kill -9 at 30 random moments of a run: nothing is lost, nothing is half, nothing stays running, nothing hangs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_moment_a_run_is_killed_at_the_next_one_ends_as_if_nobody_had() -> None:
    command = [sys.executable, "-m", "benchmarks.faults", "--kills", "30", "--seed", "20261124", "--json"]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["faults"] == [], done.stderr[-3000:]
    assert told["kills"] == 30
    assert len(told["under_way"]) >= 3, "the kills did not spread over the run"
