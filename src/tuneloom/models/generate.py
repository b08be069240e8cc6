"""Greedy answers to many prompts at once, each the one it would get alone.

The loop is our own (models/asks.py): a model's generation_config (repetition penalty, temperature) leaks into
`generate()` even with do_sample=False.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuneloom.models.asks import SLOTS_AT_MOST, replies
from tuneloom.models.attention import plain_model
from tuneloom.models.spots import Ask
from tuneloom.models.token_row import TokenRow


def generate_greedy(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    batch_size: int = SLOTS_AT_MOST,
    stop_ids: Iterable[int] | None = None,
    on_rows: Callable[[int], None] = lambda done: None,
) -> list[list[int]]:
    """New token ids for each prompt, in the prompts' order, without the stop id that ended them.

    An answer of exactly `max_new_tokens` ids was cut, a shorter one stopped. `stop_ids` are the tokenizer's end
    tokens by default; `on_rows` hears how many prompts are answered. Raises ConfigError for a prompt without tokens.
    """
    stops = set(stop_ids) if stop_ids is not None else default_stop_ids(model, tokenizer)
    asks = [Ask(unscored(f"prompt {number}", ids), said=True) for number, ids in enumerate(prompts)]
    return [reply.ids for reply in replies(model, asks, max_new_tokens, stops, batch_size, on_done=on_rows)]


def unscored(name: str, ids: Sequence[int]) -> TokenRow:
    """Token ids as a row none of whose tokens counts: ids int (n,) -> mask uint8 (n,), all 0."""
    return TokenRow(name, np.array(ids, np.int32), np.zeros(len(ids), np.uint8))


def default_stop_ids(model: Any, tokenizer: Any) -> set[int]:
    """The end tokens of the tokenizer and of the model's generation config."""
    return _stop_ids(tokenizer, getattr(plain_model(model), "generation_config", None))


def saved_stop_ids(folder: Path, tokenizer: Any) -> set[int]:
    """`default_stop_ids` of the model in a folder, without loading it."""
    from transformers import AutoConfig, GenerationConfig

    try:
        config = GenerationConfig.from_pretrained(str(folder))
    except OSError:  # as transformers has it where a model brings none
        config = GenerationConfig.from_model_config(AutoConfig.from_pretrained(str(folder)))
    return _stop_ids(tokenizer, config)


def _stop_ids(tokenizer: Any, config: Any) -> set[int]:
    listed = getattr(config, "eos_token_id", None)
    more = listed if isinstance(listed, list) else [listed]
    return {int(stop) for stop in [tokenizer.eos_token_id, *more] if stop is not None}
