"""One kernel for all rows gets what it asks for, and gives what each row alone would get."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tuneloom.errors import TrainingError
from tuneloom.models import flash
from tuneloom.models.attention import segment_attention
from tuneloom.models.flash import flash_attention, has_flash_attention

SEGMENTS = (0, 5, 6, 17)
MODULE = SimpleNamespace(training=True)


def states(dtype: torch.dtype, heads: int = 4, shared: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(1, count, 17, 8).to(dtype) for count in (heads, shared, shared)]


def kernel(query: Any, key: Any, value: Any, starts: Any, ends: Any, longest: int, most: int, **how: Any) -> Any:
    """The kernel's contract, after torch's documentation: (T, heads, d), bounds int32, causal by its window."""
    assert (starts.dtype, starts.tolist(), longest, most) == (torch.int32, list(SEGMENTS), 11, 11)
    assert torch.equal(starts, ends)
    assert how["window_size"] == (-1, 0)
    assert query.is_contiguous()
    rows = [
        torch.nn.functional.scaled_dot_product_attention(
            *(part[a:b].transpose(0, 1)[None].float() for part in (query, key, value)),
            is_causal=True, scale=how["scale"], enable_gqa=how["enable_gqa"],
        )[0].transpose(0, 1)
        for a, b in pairwise(starts.tolist())
    ]  # fmt: skip
    return torch.cat(rows).to(query.dtype)


@pytest.mark.parametrize("shared", [2, 4])
def test_the_kernel_is_asked_for_each_rows_causal_attention(monkeypatch: pytest.MonkeyPatch, shared: int) -> None:
    monkeypatch.setattr(flash, "_on_gpu", lambda tensor: True)
    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", kernel)
    given = states(torch.bfloat16, shared=shared)
    found, _ = flash_attention(MODULE, *given, segments=SEGMENTS, scaling=0.3)
    wanted, _ = segment_attention(MODULE, *given, segments=SEGMENTS, scaling=0.3)
    torch.testing.assert_close(found, wanted, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_the_kernel_does_not_take_goes_row_by_row(dtype: torch.dtype) -> None:
    given = states(dtype)
    found, _ = flash_attention(MODULE, *given, segments=SEGMENTS)
    assert torch.equal(found, segment_attention(MODULE, *given, segments=SEGMENTS)[0])


def test_rows_without_bounds_are_refused_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash, "_on_gpu", lambda tensor: True)
    with pytest.raises(TrainingError, match="got bounds"):
        flash_attention(MODULE, *states(torch.bfloat16))


def test_this_torch_has_the_kernel() -> None:
    assert has_flash_attention()
