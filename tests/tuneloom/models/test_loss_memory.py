"""Peak memory of the loss does not grow with vocabulary x length: measured, in a process of its own."""

import subprocess
import sys

import pytest

VOCABULARY, SHORT, LONG = 50_000, 1024, 8192

MEASURE = """
import resource, sys, torch
from tuneloom.models.loss import SummedCrossEntropy

vocabulary, short, long, trains = map(int, sys.argv[1:])
head = torch.randn(vocabulary, 16, requires_grad=bool(trains))


def peak(length):
    hidden = torch.randn(length, 16, requires_grad=True)
    SummedCrossEntropy.apply(hidden, head, torch.arange(length), torch.float32).backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


first = peak(short)
print(peak(long) - first)
"""


@pytest.mark.slow
@pytest.mark.parametrize("head_trains", [False, True], ids=["frozen head", "trained head"])
def test_eight_times_the_length_costs_no_more_than_its_hidden_states(head_trains: bool) -> None:
    """Full logits of the longer line would take 1.6 GB, of the difference 1.4 GB; a hundredth of it is allowed."""
    numbers = map(str, (VOCABULARY, SHORT, LONG, int(head_trains)))
    done = subprocess.run([sys.executable, "-c", MEASURE, *numbers], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 0.01 * VOCABULARY * (LONG - SHORT) * 4
