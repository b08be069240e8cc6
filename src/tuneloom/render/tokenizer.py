"""The tokenizer a model brings, set up so that text from data can never become a special token.

The Rust tokenizer inside transformers' fast tokenizers does the work, many texts at a time and with its own threads.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from tuneloom.errors import ConfigError
from tuneloom.records import digest
from tuneloom.render.chat_template import ChatTemplate
from tuneloom.render.engine import Engine, prefixing, without_prefix
from tuneloom.render.literal import without_special_pieces
from tuneloom.render.plans import Plans
from tuneloom.render.reading import read_tokenizer
from tuneloom.render.token_bytes import said_bytes, token_bytes


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
        return digest(self._json)

    @cached_property
    def _json(self) -> str:
        return self.backend.to_str()

    @cached_property
    def _tree(self) -> dict[str, Any]:
        return orjson.loads(self._json)

    @cached_property
    def _literal(self) -> dict[str, Any]:
        """What texts are encoded by: no special token is in their reach."""
        return without_special_pieces(self.backend, self._tree, self.special) or self._tree

    @cached_property
    def plans(self) -> Plans:
        """The template's plans."""
        return Plans(self.template)

    @cached_property
    def engine(self) -> Engine:
        """Who tokenises."""
        if self._literal is self._tree:
            return Engine(self.backend, self._tree)
        return _engine(self._literal)

    @cached_property
    def _bare_engine(self) -> Engine | None:
        tree = without_prefix(self._literal)
        return None if tree is None else _engine(tree)

    @cached_property
    def prefixing(self) -> str:
        """Before which texts the tokenizer puts a space: none, the first of a row, or each after a special token."""
        return prefixing(self._tree)

    def prefix(self, text: str) -> str:
        """The space that the tokenizer puts before a text that begins anew, if it does."""
        if self.prefixing == "none" or not text:
            return ""
        return " " if self._always_prefixes or not text.startswith((" ", "\u2581")) else ""

    @cached_property
    def _always_prefixes(self) -> bool:
        return "'Prepend'" in str(self._tree.get("normalizer"))

    @property
    def quick(self) -> bool:
        """Whether rows are made by plans and the fast engine; until a sampled row disagrees."""
        return "distrusted" not in self.__dict__

    def fall_back(self, why: str) -> None:
        """From now on every row is rendered by itself and tokenised by `tokenizers`."""
        self.__dict__["distrusted"] = why
        self.engine.fall_back(why)
        if self._bare_engine:
            self._bare_engine.fall_back(why)

    def encode_flat(self, texts: Sequence[str], goes_on: bool) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """n texts -> ids int32 (t,) and bounds int64 (n + 1,); texts that go on get no space before them."""
        return self._of(goes_on).encode(texts)

    def judge(self, texts: Sequence[str], goes_on: bool) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The same from `tokenizers`."""
        return self._of(goes_on).judge(texts)

    def _of(self, goes_on: bool) -> Engine:
        return self._bare_engine if goes_on and self._bare_engine else self.engine

    @cached_property
    def _bytes(self) -> pa.BinaryArray | None:
        return token_bytes(self._tree)

    def said(self, ids: NDArray[np.int32]) -> tuple[memoryview, NDArray[np.int64]]:
        """The bytes that ids int32 (n,) stand for, and where each id's begin, int64 (n + 1,).

        Where the decoder is of an unknown kind each id is decoded by itself.
        """
        if self._bytes is not None:
            return said_bytes(self._bytes, ids)
        parts = [text.encode() for text in self.decode([[i] for i in ids.tolist()])]
        return memoryview(b"".join(parts)), np.cumsum([0, *map(len, parts)])

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Texts -> ids, every text apart, nothing added: `["<|im_end|>"]` -> `[[28, 108, 306, ...]]`, never `[[2]]`."""
        ids, bounds = self.engine.encode(texts)
        return [part.tolist() for part in np.split(ids, bounds[1:-1])] if len(texts) else []

    def encode_whole(self, text: str) -> list[int]:
        """One text -> ids, its special tokens read as such: `<|im_end|>` -> `[2]`."""
        self.backend.encode_special_tokens = False
        try:
            return self.backend.encode(text, add_special_tokens=False).ids
        finally:
            self.backend.encode_special_tokens = True

    def decode(self, ids: Iterable[Iterable[int]]) -> list[str]:
        """Ids -> texts, special tokens shown: `[[28, 108], [2]]` -> `["<|", "<|im_end|>"]`."""
        return self.backend.decode_batch([list(one) for one in ids], skip_special_tokens=False)


def load_row_tokenizer(folder: Path) -> RowTokenizer:
    """Reads the tokenizer of a model's folder through transformers, whose reading every user of the model shares.

    Raises ConfigError where there is no fast tokenizer or no chat template.
    """
    found = read_tokenizer(folder)
    if found.template is None:
        raise ConfigError(
            "the tokenizer brings no single chat template",
            where=str(folder),
            remedy="Choose an instruct model, or put a chat_template.jinja beside its tokenizer.",
        )
    return _row_tokenizer(found.backend, found.template, found.named)


def load_plain_tokenizer(folder: Path) -> RowTokenizer:
    """The tokenizer of an encoder-decoder, which needs no chat template but an end token.

    Raises ConfigError where there is no fast tokenizer or no end token.
    """
    found = read_tokenizer(folder)
    if not found.end:
        raise ConfigError(
            "the tokenizer names no end token", where=str(folder), remedy="Set `eos_token` in tokenizer_config.json."
        )
    return _row_tokenizer(found.backend, "", found.named)


def _engine(tree: Mapping[str, Any]) -> Engine:
    """The engine of a JSON tree, reading special tokens as text."""
    from tokenizers import Tokenizer

    backend = Tokenizer.from_str(orjson.dumps(tree).decode())
    backend.encode_special_tokens = True
    return Engine(backend, tree)


def tokenizer_digest(folder: Path) -> str:
    """Hash of a model's tokenizer, as shards have it in their metadata."""
    return _row_tokenizer(read_tokenizer(folder).backend, "", {}).digest


def row_tokenizer(backend: Any, template: str, named: dict[str, Any]) -> RowTokenizer:
    """A RowTokenizer over a copy of `backend`; `named` are transformers' `special_tokens_map`."""
    return _row_tokenizer(backend.to_str(), template, named)


def _row_tokenizer(backend: str, template: str, named: Mapping[str, Any]) -> RowTokenizer:
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(backend)
    copy.no_padding()
    copy.no_truncation()
    copy.encode_special_tokens = True
    special = {token.content: i for i, token in copy.get_added_tokens_decoder().items() if token.special}
    plain = {name: text for name, text in named.items() if isinstance(text, str)}
    return RowTokenizer(copy, ChatTemplate(template, plain, tuple(sorted(special))), special)
