"""The processes that train one model together, seen from inside one of them: a rank.

`ddp` holds the whole model in every rank and averages the gradients (torch's DistributedDataParallel); `fsdp` holds a
part of every layer in each (torch's FSDP2) and puts a layer together while it computes. All ranks must call the same
things in the same order, so a rank that has fewer micro-batches than another computes an idle one that counts nothing.
"""

import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from tuneloom.models.attention import plain_model
from tuneloom.models.token_row import TokenRow
from tuneloom.train.batches import shares

Result = TypeVar("Result")

PATIENCE = timedelta(minutes=10)
"""How long a rank waits for the others: as long as the first checkpoint on a slow disk may take."""


class Alone:
    """One process that trains everything: a group of one."""

    rank, count = 0, 1

    def __init__(self) -> None:
        self.model: Any = None

    def spread(self, model: Any) -> None:
        """Takes the model up; a group of several lays it out over its ranks, and its parameters become others."""
        self.model = model

    def run(self, function: Callable[..., Result], *given: Any) -> Result:
        """`function(model, *given)` where all weights can be seen; every rank must call it."""
        return function(self.model, *given)

    def accumulating(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Around a micro-batch, forward and backward: gradients are complete after the `last` of a step."""
        return contextlib.nullcontext()

    def micro_batches(self, rows: Sequence[TokenRow], budget: int) -> list[tuple[list[TokenRow], bool]]:
        """This rank's part of a step's rows, at most `budget` tokens at once, and whether they count."""
        shortest = min(rows, key=len)
        return [(part, True) if part else ([shortest], False) for part in shares(rows, self.count, budget)[self.rank]]

    def total(self, value: float) -> float:
        """The sum of every rank's `value`."""
        return value

    def agreed(self, *wishes: bool) -> list[bool]:
        """What any rank wishes, known to all."""
        return list(wishes)

    def first(self, value: Result) -> Result:
        """The first rank's `value`, known to all."""
        return value

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """Every rank's tensor, all of one shape and dtype, in the order of ranks."""
        return [tensor]


class Group(Alone):
    """Several processes, this one being `rank` of `count`; `parallel` is "ddp" or "fsdp"."""

    def __init__(self, rank: int, count: int, parallel: str, meeting: str, device: str) -> None:
        """Waits for the others at `meeting`, a file that none of them has made yet."""
        super().__init__()
        self.rank, self.count = rank, count  # type: ignore[misc]
        self._parallel, self._device, self._outer = parallel, device, torch.nn.Module()
        backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
        dist.init_process_group(backend, init_method=f"file://{meeting}", rank=rank, world_size=count, timeout=PATIENCE)

    def spread(self, model: Any) -> None:
        """Lays `model` out over the ranks."""
        super().spread(model)
        inside = _Inside(model)
        if self._parallel == "ddp":
            self._outer = torch.nn.parallel.DistributedDataParallel(inside)
            return
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(self._device, (self.count,))
        for layer in _layers(model):
            fully_shard(layer, mesh=mesh)
        self._outer = fully_shard(inside, mesh=mesh)

    def run(self, function: Callable[..., Result], *given: Any) -> Result:
        """`function(model, *given)` where all weights can be seen; every rank must call it."""
        result = self._outer(function, *given)
        if self._parallel == "fsdp" and not torch.is_grad_enabled():
            self._outer.reshard()  # with gradients the backward pass does it
        return result

    def accumulating(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        """Ranks of `ddp` speak after the last micro-batch only; those of `fsdp` hold no whole gradients meanwhile."""
        return contextlib.nullcontext() if last or self._parallel == "fsdp" else self._outer.no_sync()

    def total(self, value: float) -> float:
        """The sum of every rank's `value`."""
        found = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(found)
        return float(found)

    def agreed(self, *wishes: bool) -> list[bool]:
        """What any rank wishes, known to all."""
        found = torch.tensor(wishes, dtype=torch.uint8)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return [bool(wish) for wish in found]

    def first(self, value: Result) -> Result:
        """The first rank's `value`, known to all."""
        shared = [value]
        dist.broadcast_object_list(shared)
        return shared[0]

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """Every rank's tensor, all of one shape and dtype, in the order of ranks."""
        found = [torch.empty_like(tensor) for _ in range(self.count)]
        dist.all_gather(found, tensor.contiguous())
        return found

    def leave(self) -> None:
        """Ends the meeting."""
        dist.destroy_process_group()


class _Inside(torch.nn.Module):
    """Any function of a model as a forward pass: DDP and FSDP put weights together and gradients away around those."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[..., Any], *given: Any) -> Any:
        """`function(model, *given)`."""
        return function(self.model, *given)


def whole(tensor: Any) -> Tensor:
    """A tensor of which each rank holds a part, put together (every rank must call it); any other as it is."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def collected(tensor: Any) -> Tensor:
    """A tensor of which each rank holds a part, put together in the first rank's main memory, an empty one in the
    others; any other as it is. Every rank must call it."""
    if not hasattr(tensor, "full_tensor"):
        return tensor
    full = tensor.full_tensor()
    return full.cpu() if dist.get_rank() == 0 else full.new_empty(0)


def like(tensor: Tensor, parameter: Any) -> Tensor:
    """A whole tensor laid out as `parameter` of its shape is: this rank's part of it, or all of it."""
    if not hasattr(parameter, "full_tensor") or tensor.shape != parameter.shape:
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor.to(parameter.device), parameter.device_mesh, parameter.placements)


def _layers(model: Any) -> list[torch.nn.Module]:
    """The blocks that transformers says must stay together, such as LlamaDecoderLayer: what FSDP shards one by one."""
    names = set(plain_model(model)._no_split_modules or ())
    return [module for module in model.modules() if type(module).__name__ in names]
