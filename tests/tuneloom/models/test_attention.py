"""Segment attention equals causal attention of each row alone, and refuses what it would do wrong."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from tests.token_rows import token_rows
from tuneloom.errors import TrainingError
from tuneloom.models.attention import attention_of, segment_attention
from tuneloom.models.load import load_model
from tuneloom.models.packed import packed_hidden

MODULE = SimpleNamespace(training=True)


def heads(length: int, count: int) -> torch.Tensor:
    return torch.randn(1, count, length, 8)


def test_each_segment_attends_to_itself_only() -> None:
    query, key, value = heads(9, 4), heads(9, 2), heads(9, 2)
    out, weights = segment_attention(MODULE, query, key, value, segments=(0, 5, 9))
    assert weights is None
    for start, end in ((0, 5), (5, 9)):
        alone = F.scaled_dot_product_attention(
            query[:, :, start:end], key[:, :, start:end], value[:, :, start:end], is_causal=True, enable_gqa=True
        )
        torch.testing.assert_close(out[:, start:end], alone.transpose(1, 2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_number_format_is_kept(dtype: torch.dtype) -> None:
    out, _ = segment_attention(MODULE, *(heads(6, 2).to(dtype) for _ in range(3)), segments=(0, 6))
    assert out.dtype == dtype


@pytest.mark.parametrize("segments", [None, (0, 5), (0, 5, 12)])
def test_bounds_that_are_missing_or_wrong_raise_instead_of_leaking(segments: tuple[int, ...] | None) -> None:
    with pytest.raises(TrainingError, match="bounds"):
        segment_attention(MODULE, heads(9, 2), heads(9, 2), heads(9, 2), segments=segments)


@pytest.mark.parametrize("options", [{"sliding_window": 4}, {"softcap": 30.0}, {"s_aux": torch.zeros(2)}])
def test_attention_that_needs_more_than_causality_raises(options: dict) -> None:
    with pytest.raises(TrainingError, match="sliding window"):
        segment_attention(MODULE, heads(9, 2), heads(9, 2), heads(9, 2), segments=(0, 9), **options)


def test_a_window_no_row_reaches_changes_nothing() -> None:
    query, key, value = heads(9, 2), heads(9, 2), heads(9, 2)
    windowed, _ = segment_attention(MODULE, query, key, value, segments=(0, 5, 9), sliding_window=5)
    assert torch.equal(windowed, segment_attention(MODULE, query, key, value, segments=(0, 5, 9))[0])


def test_a_padded_batch_or_a_cache_under_segment_attention_raises(tiny_model: Path) -> None:
    model = load_model(tiny_model, attention="segment")
    ids = torch.tensor([[3, 4, 5]])
    with pytest.raises(TrainingError, match="padding mask"):
        model(ids, attention_mask=torch.tensor([[0, 1, 1]]))
    with pytest.raises(TrainingError, match="bounds"):
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=2)


def test_the_attention_is_lent_for_a_block_and_given_back(tiny_model: Path) -> None:
    model = load_model(tiny_model, attention="sdpa")
    with attention_of(model, "segment"):
        packed_hidden(model, token_rows())
    with pytest.raises(ZeroDivisionError), attention_of(model, "segment"):
        raise ZeroDivisionError
    assert model.config._attn_implementation == "sdpa"
    assert model(torch.tensor([[3, 4]])).logits.shape[:2] == (1, 2)
