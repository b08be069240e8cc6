"""What this machine computes fastest in, measured: a small matrix product in float32 and in bfloat16.

The device's name does not tell: with AMX units bfloat16 wins 2 to 3 times, without them it loses 8 to 20 times.
"""

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

ROWS, INNER, OUTER = 512, 576, 1536  # a micro-batch through a small model's MLP
SECONDS = 0.25  # for each number format
WORTH = 1.5  # autocast pays for casts: bfloat16 has to be that much faster in the bare product


@dataclass(frozen=True)
class Machine:
    """A device, the number format to compute in, and the measurement that chose it."""

    device: str
    dtype: str
    threads: int
    gflops_float32: float
    gflops_bfloat16: float
    reason: str

    def rate(self, dtype: str) -> float:
        """GFLOP/s of "float32" or "bfloat16"."""
        return self.gflops_bfloat16 if dtype == "bfloat16" else self.gflops_float32


@functools.cache
def probe() -> Machine:
    """Measures once in a process, in about half a second."""
    import torch

    device = _device()
    rates = _rates(torch.device(device))
    ratio = rates["bfloat16"] / rates["float32"]
    if device == "mps":
        dtype, reason = "float32", "bfloat16 autocast is not proven on mps"
    elif ratio >= WORTH:
        dtype, reason = "bfloat16", f"measured {ratio:.1f}x as fast as float32"
    else:
        dtype, reason = "float32", f"bfloat16 measured only {ratio:.2g}x as fast"
    return Machine(device, dtype, torch.get_num_threads(), rates["float32"], rates["bfloat16"], reason)


def choose_dtype(wanted: str, machine: Machine) -> str:
    """The number format to compute in: `("auto", machine)` -> the machine's own, anything else -> itself."""
    return machine.dtype if wanted == "auto" else wanted


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _rates(device: "torch.device") -> dict[str, float]:
    """GFLOP/s by number format: the best product of each, taken in turns so that a busy neighbour hits both."""
    import torch

    pairs = {
        name: (
            torch.ones(ROWS, INNER, dtype=dtype, device=device),
            torch.ones(INNER, OUTER, dtype=dtype, device=device),
        )
        for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
    }
    spent, best = dict.fromkeys(pairs, 0.0), dict.fromkeys(pairs, float("inf"))
    rounds = 0
    while rounds < 2 or min(spent.values()) < SECONDS:  # the first product pays for set-up
        for name, (left, right) in pairs.items():
            if rounds < 2 or spent[name] < SECONDS:
                seconds = _seconds(left, right)
                spent[name] += seconds
                best[name] = min(best[name], seconds)
        rounds += 1
    work = 2 * ROWS * INNER * OUTER / 1e9
    return {name: work / seconds for name, seconds in best.items()}


def _seconds(left: "torch.Tensor", right: "torch.Tensor") -> float:
    """Wall time of one product of (ROWS, INNER) and (INNER, OUTER), any float dtype, finished on the device."""
    import torch

    start = time.perf_counter()
    product = torch.mm(left, right)
    if product.device.type != "cpu":
        product[0, 0].item()
    return time.perf_counter() - start
