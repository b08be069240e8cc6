"""Attention for packed rows: causal sdpa a row at a time, so that rows cannot see each other and no mask is built.

`forward(ids of all rows in one line, segments=(0, 5, 9))` runs rows 0:5 and 5:9 apart. The bounds travel as a keyword
through transformers' own forward; where they do not arrive, or a padding mask does, this raises instead of leaking.
"""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tuneloom.errors import TrainingError

if TYPE_CHECKING:
    import torch

SEGMENT = "segment"


def register_segment_attention() -> None:
    """Makes `attn_implementation="segment"` known to transformers; calling it again changes nothing."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(SEGMENT, segment_attention)
    AttentionMaskInterface.register(SEGMENT, no_mask)


def segment_attention(
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
    """Causal attention inside each segment; floats of one dtype in, the same out.

    query (1, heads, T, d), key and value (1, kv_heads, T, d), segments like (0, 5, T) -> (1, T, heads, d).
    """
    import torch

    check_possible(module, query, key, segments, options)
    grouped, given, device = query.shape[1] != key.shape[1], value.dtype, query.device.type
    on_cpu = device == "cpu"
    if on_cpu:  # measured with AMX: sdpa with its gradient in bfloat16 takes 1.3 to 7 times as long as in float32
        wide = torch.promote_types(given, torch.float32)
        query, key, value = query.to(wide), key.to(wide), value.to(wide)
    with torch.autocast(device, enabled=torch.is_autocast_enabled(device) and not on_cpu):
        rows = [
            torch.nn.functional.scaled_dot_product_attention(
                query[:, :, start:end],
                key[:, :, start:end],
                value[:, :, start:end],
                is_causal=True,
                scale=scaling,
                dropout_p=dropout if module.training else 0.0,
                enable_gqa=grouped,
            )
            for start, end in pairwise(segments or ())
        ]
    return torch.cat(rows, 2).transpose(1, 2).to(given), None


@contextlib.contextmanager
def attention_of(model: Any, name: str) -> Iterator[None]:
    """Runs the block with another attention function in `model` (or the model under its adapter)."""
    from tuneloom.models.flash import FLASH, register_flash_attention

    register_segment_attention()
    if name == FLASH:
        register_flash_attention()
    inner = plain_model(model)
    before = inner.config._attn_implementation
    if before == name:
        yield
        return
    inner.set_attn_implementation(name)
    try:
        yield
    finally:
        inner.set_attn_implementation(before)


def plain_model(model: Any) -> Any:
    """The transformers model under a PEFT wrapper, or the model itself; the adapter's layers stay inside."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def check_possible(
    module: Any, query: "torch.Tensor", key: "torch.Tensor", segments: Sequence[int] | None, options: dict[str, Any]
) -> None:
    """Raises TrainingError where the result would be silently wrong."""
    remedy = "Load the model with attention='sdpa' for this."
    if segments is None or query.shape[0] != 1 or segments[-1] != query.shape[2] or query.shape[2] != key.shape[2]:
        raise TrainingError(
            f"segment attention got bounds {segments} for queries {tuple(query.shape)} and keys {tuple(key.shape)}",
            where=type(module).__name__,
            remedy=remedy,
        )
    longest = max(end - start for start, end in pairwise(segments))
    window = options.get("sliding_window")
    if (window is not None and longest > window) or options.get("softcap") or options.get("s_aux") is not None:
        raise TrainingError(
            f"{type(module).__name__} needs a sliding window ({window}, longest row {longest}), "
            "capped scores or sinks, which segment attention does not have",
            where="config key `model`",
            remedy="Lower render.max_length below the window, or choose another model.",
        )


def no_mask(*_: Any, attention_mask: Any = None, **__: Any) -> None:
    """Rows are kept apart by their bounds; a padding mask would be ignored, so it is refused."""
    if attention_mask is not None and not bool(attention_mask.all()):
        raise TrainingError(
            "a padding mask reached the segment attention",
            where="attention_mask",
            remedy="Load the model with attention='sdpa' for padded batches.",
        )
