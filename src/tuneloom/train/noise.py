"""NEFTune: uniform noise on the embeddings while a model trains (Jain et al. 2023).

The noise of a token is drawn from +- alpha / sqrt(n d), n the tokens of its own row and d the width, so that packing
and micro-batches change nothing. Of an encoder-decoder the input alone is noisy, and n is the padded length, as
transformers has it.
"""

import contextlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from tuneloom.errors import TrainingError
from tuneloom.models.attention import plain_model


@contextlib.contextmanager
def noisy_embeddings(model: Any, alpha: float) -> Iterator[None]:
    """Adds the noise within the block, in training mode alone; nothing where `alpha` is 0.

    Raises TrainingError where the model trained within the block and no embedding was seen: another layer embeds, and
    nothing was noisy.
    """
    if alpha == 0:
        yield
        return
    noise = _Noise(alpha)
    inner = plain_model(model)
    hooks = [
        inner.base_model.register_forward_pre_hook(noise.take_bounds, with_kwargs=True),
        _embeddings(inner).register_forward_hook(noise.add),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if noise.missed:
        raise TrainingError(
            "NEFTune's noise reached no embedding",
            where=f"model class {type(inner).__name__}",
            remedy="Its embeddings lie elsewhere than it says; set train.neftune: 0.",
        )


def _embeddings(model: Any) -> Any:
    """The layer that embeds the prompt. An encoder-decoder's own word for it is a layer that only lends its weight."""
    reader = model.get_encoder() if model.config.is_encoder_decoder else model
    return reader.get_input_embeddings()


class _Noise:
    """`bounds` of the rows in the line that is computed, (0, 5, 9), or None in padded batches."""

    def __init__(self, alpha: float) -> None:
        self._alpha, self._bounds = alpha, None
        self._trained, self._seen = False, False

    @property
    def missed(self) -> bool:
        """Whether the model trained and no embedding was seen."""
        return self._trained and not self._seen

    def take_bounds(self, module: Any, given: tuple, named: dict[str, Any]) -> None:
        """Before the model's forward."""
        self._bounds = named.get("segments")
        self._trained |= module.training

    def add(self, module: Any, given: tuple, embedded: Tensor) -> Tensor | None:
        """After the embeddings, (rows, T, d) float."""
        if not module.training:
            return None
        self._seen = True
        drawn = torch.zeros_like(embedded).uniform_(-1, 1)
        return embedded + (drawn * self._reach(embedded)).to(embedded.dtype)

    def _reach(self, embedded: Tensor) -> Tensor:
        """Largest noise of each position: float32 (T, 1)."""
        lengths = torch.tensor([end - start for start, end in pairwise(self._bounds or (0, embedded.shape[1]))])
        each = torch.repeat_interleave(lengths, lengths).to(embedded.device)
        return (self._alpha / torch.sqrt(each.float() * embedded.shape[2]))[:, None]
