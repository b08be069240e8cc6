"""What a training lets the machine choose: number format, tokens at a time, checkpointing, attention, kernels; and why.

They are chosen once, before the first step, told aloud, and frozen in the checkpoint: another choice rounds otherwise,
and a resumed training is to end in the same bytes. Only memory that runs out changes them on the way.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from tuneloom.config import Train
from tuneloom.errors import TrainingError
from tuneloom.models.attention import SEGMENT, plain_model
from tuneloom.models.flash import FLASH, has_flash_attention
from tuneloom.models.packed import micro_batches
from tuneloom.models.probe import Machine, choose_dtype
from tuneloom.models.token_row import TokenRow
from tuneloom.train.memory import Need, Shape, Workload, need

ON_A_CPU = 600
"""Tokens at a time that a CPU's caches like best: as fast as 1,024, a third less memory (measured, 2 cores, AVX2)."""
ON_A_GPU = 16_384
"""More fill no GPU any better."""
LEAST = 256
"""Below that many tokens at a time checkpointing costs less than small products do."""
ROOM = 0.85
"""Share of the free memory that a training may plan with: the estimate is good to 15 %."""


@dataclass(frozen=True)
class Choices:
    """How a training computes. `attention` is an attention function's name, `liger` the Triton kernels of
    liger-kernel for norms and gated layers."""

    dtype: str
    threads: int
    micro_batch_tokens: int = ON_A_CPU
    checkpointing: bool = False
    attention: str = SEGMENT
    liger: bool = False
    compiled: bool = False


@dataclass(frozen=True)
class Chosen:
    """Choices, the memory that they need, and a line for people about each."""

    choices: Choices
    need: Need | None
    reasons: tuple[str, ...]


def plain_choices(settings: Train, dtype: str) -> Choices:
    """What is computed alike everywhere: no kernel of a device, nothing made to fit."""
    return Choices(dtype, torch.get_num_threads(), settings.micro_batch_tokens or ON_A_CPU)


def choose(
    settings: Train, machine: Machine, shape: Shape | None, longest: int, trained_tokens: int, free: int | None
) -> Chosen:
    """Chooses for a model of `shape` (None: unknown), whose longest row has `longest` tokens, on `machine` with `free`
    bytes of memory (None: unknown).

    Tokens at a time: those of the config; else what is fastest on the device, halved until it fits. Where even
    `LEAST` do not, gradient checkpointing, which costs a forward pass more, and halved again.
    """
    dtype = choose_dtype(settings.dtype, machine)
    best = ON_A_GPU if machine.device == "cuda" else ON_A_CPU
    tokens = settings.micro_batch_tokens or min(best, max(settings.tokens_per_step, 1))
    reasons = [f"{dtype}: {machine.reason}" if settings.dtype == "auto" else f"{dtype}: train.dtype"]
    checkpointing, found = False, None
    if shape is not None:
        tokens, checkpointing, found = _fitting(settings, machine, shape, longest, dtype, tokens, free)
    reasons.append(_tokens_told(settings, tokens, best, found, free))
    reasons.append("checkpointing: " + ("on, memory is short" if checkpointing else "off, memory suffices"))
    attention, why = attention_path(machine, dtype)
    liger, compiled, kernels = _kernels(machine, shape, trained_tokens)
    reasons += [f"attention: {why}", f"kernels: {kernels}"]
    choices = Choices(dtype, machine.threads, tokens, checkpointing, attention, liger, compiled)
    return Chosen(choices, found, tuple(reasons))


def apply(model: Any, choices: Choices) -> None:
    """Sets `model` to compute by `choices`, in place; attention is the loop's."""
    inner = plain_model(model)
    set_checkpointing(model, choices)
    if choices.liger:
        from liger_kernel.transformers import _apply_liger_kernel_to_instance

        _apply_liger_kernel_to_instance(model=inner, cross_entropy=False, fused_linear_cross_entropy=False)
    if choices.compiled:
        for layer in inner.base_model.layers:  # attention sees the rows' bounds, which would compile anew each time
            layer.mlp.compile(dynamic=True)


def set_checkpointing(model: Any, choices: Choices) -> None:
    """Has layers compute their activations again in the backward pass, where `choices` say so."""
    if choices.checkpointing:
        plain_model(model).gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the device's or the machine's."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)  # torch's on a CPU


def with_less_memory(choices: Choices, batch: Sequence[TokenRow]) -> Choices:
    """Half the tokens at a time, where rows of `batch` share a micro-batch; else checkpointing.

    Raises TrainingError where a row alone does not fit with it, either.
    """
    shared = [sum(map(len, part)) for part in micro_batches(batch, choices.micro_batch_tokens) if len(part) > 1]
    if shared:
        return replace(choices, micro_batch_tokens=max(1, max(shared) // 2))
    if not choices.checkpointing:
        return replace(choices, checkpointing=True)
    longest = max(batch, key=len)
    raise TrainingError(
        f"memory does not suffice for one row of {len(longest)} tokens",
        where=f"row {longest.id}",
        remedy="Lower render.max_length or train.rank, or take train.method: lora, or a smaller model.",
    )


def attention_path(machine: Machine, dtype: str) -> tuple[str, str]:
    """An attention function's name, and why: `("segment", "sdpa a row at a time, no mask (cpu)")`."""
    if machine.device == "cuda" and dtype == "bfloat16" and has_flash_attention():
        return FLASH, "FlashAttention over all rows at once, torch's own"
    return SEGMENT, f"sdpa a row at a time, no mask ({machine.device})"


def _fitting(
    settings: Train, machine: Machine, shape: Shape, longest: int, dtype: str, tokens: int, free: int | None
) -> tuple[int, bool, Need]:
    """Tokens at a time, whether with checkpointing, and what that needs."""
    room = None if free is None else ROOM * free
    for checkpointing in (False, True):
        count = tokens
        while True:
            work = Workload.of(settings, machine.device, dtype, max(count, longest), checkpointing)
            found = need(shape, work)
            if room is None or found.fresh <= room:
                return count, checkpointing, found
            if settings.micro_batch_tokens or count // 2 < LEAST or count <= longest:
                break
            count //= 2
    return count, True, found


def _tokens_told(settings: Train, tokens: int, best: int, found: Need | None, free: int | None) -> str:
    if settings.micro_batch_tokens:
        why = "train.micro_batch_tokens"
    elif tokens < min(best, settings.tokens_per_step):
        why = "halved to fit in memory"
    else:
        why = "what pays on this device" if tokens == best else "a whole step"
    memory = f"; about {found.peak / 1e9:.1f} GB" if found else ""
    return f"{tokens} tokens at a time: {why}{memory}" + (f" of {free / 1e9:.1f} GB free" if memory and free else "")


def _kernels(machine: Machine, shape: Shape | None, trained_tokens: int) -> tuple[bool, bool, str]:
    """Whether Liger's kernels, whether torch.compile, and why.

    On a CPU compiling norms, positions and gates lost a tenth and more in short runs, and can win a tenth at most: they
    are 12 % of the profile. On a GPU a minute of compiling pays from an hour's work on; Liger's kernels need none.
    """
    if machine.device != "cuda":
        return False, False, f"torch's own; torch.compile does not pay on {machine.device}"
    if importlib.util.find_spec("liger_kernel"):
        return True, False, "liger-kernel, which is installed"
    seconds = 4e-9 * shape.body * trained_tokens / (0.3 * machine.gflops_bfloat16) if shape else 0.0
    if seconds > COMPILE_PAYS_FROM:
        return False, True, "torch.compile of the gated layers, for a long training"
    return False, False, "torch's own; too short a training for torch.compile"


COMPILE_PAYS_FROM = 1200.0
"""Seconds of training: a minute of compiling, and a twentieth at least to be won."""
