"""How much memory and arithmetic a training takes, told from the model's files alone, without loading it.

Peak = what the process holds already + weights + gradients and moments of what trains + activations kept for the
backward pass of one micro-batch + the head's chunk of logits. Counted for a Llama-like decoder layer, tensor by tensor
that autograd keeps; the factor for what lives only for a moment is measured (SmolLM2, see docs/training.md).
"""

import json
import resource
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneloom.config import Train
from tuneloom.models.loss import CHUNK

RUNTIME = 480_000_000
"""Bytes of a process that has torch, transformers and PEFT in it."""
HEAP_WASTE, MOST_HEAP_WASTE = 1.6, 1_200_000_000
"""What glibc keeps of freed blocks besides, for a byte that autograd keeps without checkpointing, and at the most; of
full tuning half, for the moments come to lie in it. Measured with SmolLM2 on 300 and 600 tokens at a time, float32:
the estimate of the peak was 0.98 to 1.09 of the true one, LoRA, full and checkpointed."""
DEVICE_WASTE = 1.1
"""The same of torch's allocator on a GPU: assumed, not measured yet."""


@dataclass(frozen=True)
class Shape:
    """A decoder's sizes: `body` are the parameters of its matrices without embeddings and head, `sides` the sum of
    (inputs + outputs) of those matrices: rank r of LoRA has r times as many."""

    parameters: int
    body: int
    sides: int
    layers: int
    hidden: int
    inner: int
    queries: int
    keys: int
    vocabulary: int


@dataclass(frozen=True)
class Workload:
    """A way to train: method, rank, tokens at a time, what is kept."""

    method: str
    rank: int
    device: str
    dtype: str
    tokens: int
    checkpointing: bool = False
    keeps_best: bool = True

    @classmethod
    def of(cls, settings: Train, device: str, dtype: str, tokens: int, checkpointing: bool) -> "Workload":
        """That of a config's section `train`."""
        kept = settings.validate_every != 0
        return cls(settings.method, settings.rank, device, dtype, tokens, checkpointing, kept)


@dataclass(frozen=True)
class Need:
    """Bytes by what they are for."""

    runtime: int
    weights: int
    trained: int
    activations: int
    head: int
    waste: int

    @property
    def fresh(self) -> int:
        """What is asked for besides what the process has."""
        return self.weights + self.trained + self.activations + self.head + self.waste

    @property
    def peak(self) -> int:
        """Of the whole process, or of the device."""
        return self.runtime + self.fresh


def need(shape: Shape, work: Workload) -> Need:
    """The memory at the peak of a step."""
    trained = work.rank * shape.sides if work.method != "full" else shape.parameters
    copies = 4 + (1 if work.keeps_best and work.device == "cpu" else 0)  # weights, gradients, two moments, the best
    own = 4 * (trained if work.method != "full" else 0)  # the adapter's weights; a whole model's are counted once
    state = 4 * trained * (copies - 1) + own
    width = 2 if work.dtype == "bfloat16" else 4
    casts = 2 * shape.body if work.dtype == "bfloat16" else 0  # autocast keeps cast weights for the step
    kept = work.tokens * width * _kept_by_a_layer(shape, work)
    inputs = work.tokens * width * shape.hidden
    activations = shape.layers * inputs + kept if work.checkpointing else shape.layers * kept
    if work.device == "cpu":
        waste = min(int(HEAP_WASTE * shape.layers * kept), MOST_HEAP_WASTE) // (2 if work.method == "full" else 1)
    else:
        waste = int((DEVICE_WASTE - 1) * activations)
    runtime = RUNTIME if work.device == "cpu" else 0
    return Need(runtime, 4 * shape.parameters + casts, state, activations, _head(shape, work), waste)


def flops(shape: Shape, method: str, tokens: int, supervised: int) -> float:
    """Products of a training step, forward and backward, without attention's: two for each weight a token forward,
    two for the gradient of the input, two more for the weight's own where all of it trains; the head's at supervised
    tokens alone."""
    passes = 4 if method != "full" else 6
    head = shape.vocabulary * shape.hidden
    return float(passes) * (shape.body * tokens + head * supervised)


def read_shape(folder: Path) -> Shape | None:
    """From `config.json` and the headers of the safetensors files; None for what is no plain decoder."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        tensors = {name: size for path in folder.glob("*.safetensors") for name, size in _header(path).items()}
    except (OSError, ValueError, struct.error):
        return None
    wanted = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "vocab_size")
    if not tensors or config.get("is_encoder_decoder") or any(not config.get(name) for name in wanted):
        return None
    heads = config["num_attention_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    apart = ("embed", "lm_head", "wte", "wpe")
    matrices = [s for n, s in tensors.items() if len(s) == 2 and not any(word in n for word in apart)]
    return Shape(
        parameters=sum(_product(size) for size in tensors.values()),
        body=sum(_product(size) for size in matrices),
        sides=sum(sum(size) for size in matrices),
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        inner=config["intermediate_size"],
        queries=heads * head_size,
        keys=(config.get("num_key_value_heads") or heads) * head_size,
        vocabulary=config["vocab_size"],
    )


def free_bytes(device: str) -> int | None:
    """Memory that may still be taken: the device's, or the machine's within its control group; None where nothing
    tells."""
    if device == "cuda":
        import torch

        return int(torch.cuda.mem_get_info()[0])
    found = [_available(), *_left_in_group()]
    known = [size for size in found if size is not None]
    return min(known) if known else None


def peak_rss_bytes() -> int:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def memory_bytes(device: str) -> int:
    """The most that training has held so far: torch's part of a GPU, else the process."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    return peak_rss_bytes()


def _kept_by_a_layer(shape: Shape, work: Workload) -> int:
    """Numbers a token that autograd keeps for a layer's backward pass."""
    d, f, q, k = shape.hidden, shape.inner, shape.queries, shape.keys
    kept = 2 * d + 2 * d + 2 * q + 2 * k + 4 * f  # norms' inputs and outputs, attention's, the gated layer's
    if work.device == "cpu" and q != k:
        kept += 2 * q  # keys and values repeated for the heads that share them
    if work.method != "full":
        kept += 7 * work.rank
    if work.method == "dora":
        kept += 2 * (2 * d + q + 2 * k + 2 * f)  # what base and factors put out, each times the length
    return kept


def _head(shape: Shape, work: Workload) -> int:
    """Logits and their slope in float32, a chunk at a time; with full tuning the head's gradient once more."""
    chunk = 2 * 4 * min(CHUNK, work.tokens) * shape.vocabulary
    return chunk + (4 * shape.vocabulary * shape.hidden if work.method == "full" else 0)


def _header(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by tensor: the first 8 bytes are the length of a JSON object that has them."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        head: Mapping[str, Any] = json.loads(file.read(length))
    return {name: tuple(one["shape"]) for name, one in head.items() if name != "__metadata__"}


def _product(size: tuple[int, ...]) -> int:
    count = 1
    for side in size:
        count *= side
    return count


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(found["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in found else None


def _left_in_group() -> list[int]:
    """What the control group still allows: version 2, then 1."""
    group = Path("/sys/fs/cgroup")
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            limit, taken = (group / most).read_text("ascii").strip(), int((group / used).read_text("ascii"))
        except (OSError, ValueError):
            continue
        if limit.isdigit():
            return [max(0, int(limit) - taken)]
    return []
