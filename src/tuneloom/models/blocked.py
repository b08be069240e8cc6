"""Copies of float32 weights in the layout that oneDNN multiplies from, for a model that only reads, on CPUs.

MKL leaves half of some CPUs idle (2024.2 on AMD with AVX-512: 110 of 260 GFLOP/s a core): products take 0.4 to 0.5 of
the time. A LoRA adapter is added into the copy, so it costs nothing. The values differ by 1e-6 of the largest, for sums
are taken in another order; the model's own weights are not touched.
"""

import contextlib
import platform
from collections.abc import Iterator
from functools import partial
from typing import Any

import psutil
import torch
from torch import Tensor, nn

PAYS = 1024
"""Tokens to read from which on copying pays: it takes as long as it saves on 300."""
SHARE = 0.25
"""Of the free memory that copies may take."""
ROWS = 32
"""Rows of the products that the layout is chosen for; from 1 to 512 the choice is the same."""


@contextlib.contextmanager
@torch.no_grad()
def blocked_weights(model: Any, tokens: int) -> Iterator[None]:
    """Runs the block, which reads about `tokens` tokens and trains nothing, on blocked copies where that pays."""
    layers = list(_linear(model)) if tokens >= PAYS and _possible() else []
    if sum(weight.nbytes for _, weight, _ in layers) > SHARE * psutil.virtual_memory().available:
        layers = []
    taken: list[nn.Module] = []
    try:
        for layer, weight, adapters in layers:
            summed = sum((layer.get_delta_weight(name) for name in adapters), start=weight)
            copy = torch.ops.mkldnn._reorder_linear_weight(summed.detach(), ROWS)
            layer.forward = partial(_product, copy, layer.bias)
            taken.append(layer)
        yield
    finally:
        for layer in taken:
            del layer.forward


def _product(weight: Tensor, bias: Tensor | None, x: Tensor) -> Tensor:
    """x float32 (..., n), weight (m, n), bias (m,) -> (..., m)."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def _possible() -> bool:
    ops = ("_reorder_linear_weight", "_linear_pointwise")
    known = platform.machine() in ("x86_64", "AMD64") and torch.backends.mkldnn.is_available()
    return known and all(hasattr(torch.ops.mkldnn, op) for op in ops)


def _linear(model: Any) -> Iterator[tuple[Any, Tensor, list[str]]]:
    """Linear layers in float32 on a CPU, each with its weight and the adapters to add. A subclass, a layer that
    something else runs already and an adapter that is more than a sum (DoRA) are left as they are, their parts not."""
    inside: set[nn.Module] = set()
    for module in model.modules():
        if module in inside or "forward" in vars(module):
            continue
        adapters = _summands(module)
        if adapters:
            inside.update(module.modules())
        if adapters or type(module) is nn.Linear:
            weight = module.get_base_layer().weight if adapters else module.weight
            if weight.device.type == "cpu" and weight.dtype == torch.float32:
                yield module, weight, adapters


def _summands(module: Any) -> list[str]:
    """The adapters that a PEFT layer adds to its weight; none where it is another layer, or they do more than that."""
    if not hasattr(module, "get_delta_weight"):
        return []
    from peft.tuners.lora import Linear

    plain = type(module) is Linear and type(module.get_base_layer()) is nn.Linear
    if not plain or module.disable_adapters or module.merged or module.lora_variant:
        return []
    names = [name for name in module.active_adapters if name in module.lora_A]
    return [] if any(module.lora_bias[name] for name in names) else names
