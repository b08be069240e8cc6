"""The tokenizer a model brings, set up so that text from data can never become a special token.

The Rust tokenizer inside transformers' fast tokenizers does the work, many texts at a time and with its own threads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tuneloom.errors import ConfigError
from tuneloom.records import digest
from tuneloom.render.chat_template import ChatTemplate


@dataclass(frozen=True)
class RowTokenizer:
    """A tokenizer with its chat template; `backend` is a `tokenizers.Tokenizer` that reads special tokens as text."""

    backend: Any
    template: ChatTemplate
    special: dict[str, int]
    """Text -> id of every special token."""

    @cached_property
    def digest(self) -> str:
        """Hash of the vocabulary and all settings."""
        return digest(self.backend.to_str())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Texts -> ids, every text apart, nothing added: `["<|im_end|>"]` -> `[[28, 108, 306, ...]]`, never `[[2]]`."""
        return [encoding.ids for encoding in self.backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, ids: Iterable[Iterable[int]]) -> list[str]:
        """Ids -> texts, special tokens shown: `[[28, 108], [2]]` -> `["<|", "<|im_end|>"]`."""
        return self.backend.decode_batch([list(one) for one in ids], skip_special_tokens=False)


def load_row_tokenizer(folder: Path) -> RowTokenizer:
    """Reads the tokenizer of a model's folder through transformers, whose reading every user of the model shares.

    Raises ConfigError where there is no fast tokenizer or no chat template.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ConfigError(
            f"the tokenizer {type(tokenizer).__name__} has no tokenizers backend",
            where=str(folder),
            remedy="Use a model with a tokenizer.json.",
        )
    if not isinstance(tokenizer.chat_template, str):
        raise ConfigError(
            f"the tokenizer brings no single chat template, but {type(tokenizer.chat_template).__name__}",
            where=str(folder),
            remedy="Choose an instruct model, or put a chat_template.jinja beside its tokenizer.",
        )
    return row_tokenizer(backend, tokenizer.chat_template, tokenizer.special_tokens_map)


def row_tokenizer(backend: Any, template: str, named: dict[str, Any]) -> RowTokenizer:
    """A RowTokenizer over a copy of `backend`; `named` are transformers' `special_tokens_map`."""
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(backend.to_str())
    copy.no_padding()
    copy.no_truncation()
    copy.encode_special_tokens = True
    special = {token.content: i for i, token in copy.get_added_tokens_decoder().items() if token.special}
    plain = {name: text for name, text in named.items() if isinstance(text, str)}
    return RowTokenizer(copy, ChatTemplate(template, plain, tuple(sorted(special))), special)
