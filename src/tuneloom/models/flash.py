"""FlashAttention over rows side by side, from torch itself (`torch.nn.attention.varlen`): one kernel for all rows.

On a GPU a call of sdpa for each row leaves it idle between rows. The kernel takes half precision alone and knows no
dropout; whatever it does not take goes row by row (models/attention.py).
"""

import inspect
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tuneloom.models.attention import check_possible, segment_attention

if TYPE_CHECKING:
    import torch

FLASH = "segment_fused"
"""Without the word flash, for which transformers would look for a kernel of its own."""


def register_flash_attention() -> None:
    """Makes `attn_implementation="segment_fused"` known to transformers; calling it again changes nothing."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    from tuneloom.models.attention import no_mask

    AttentionInterface.register(FLASH, flash_attention)
    AttentionMaskInterface.register(FLASH, no_mask)


def has_flash_attention() -> bool:
    """Whether this torch has the kernel with shared heads (from 2.13 on)."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return {"enable_gqa", "window_size"} <= set(inspect.signature(varlen_attn).parameters)


def flash_attention(
    module: Any,
    query: "torch.Tensor",
    key: "torch.Tensor",
    value: "torch.Tensor",
    attention_mask: Any = None,
    *,
    segments: Sequence[int] | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> "tuple[torch.Tensor, None]":
    """Causal attention inside each segment, as `segment_attention`: query (1, heads, T, d), key and value
    (1, kv_heads, T, d), segments like (0, 5, T) -> (1, T, heads, d), bfloat16 or float16 in one kernel."""
    import torch
    from torch.nn.attention import varlen

    half = query.dtype in (torch.bfloat16, torch.float16)
    if not half or not _on_gpu(query) or (dropout and module.training):
        return segment_attention(
            module, query, key, value, attention_mask, segments=segments, dropout=dropout, scaling=scaling, **options
        )
    check_possible(module, query, key, segments, options)
    bounds = torch.tensor(segments, dtype=torch.int32, device=query.device)
    longest = max(end - start for start, end in pairwise(segments or ()))
    found = varlen.varlen_attn(
        query[0].transpose(0, 1).contiguous(),
        key[0].transpose(0, 1).contiguous(),
        value[0].transpose(0, 1).contiguous(),
        bounds, bounds, longest, longest,
        scale=scaling, window_size=(-1, 0), enable_gqa=query.shape[1] != key.shape[1],
    )  # fmt: skip
    return found[None], None


def _on_gpu(tensor: "torch.Tensor") -> bool:
    return tensor.device.type == "cuda"
