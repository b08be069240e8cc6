"""The engine that turns texts into ids: a fast one where it is proven, and `tokenizers`, the judge of all, elsewhere.

`fastokens` is some twenty times as fast as `tokenizers` on byte-level BPE. It is used where it gave the same ids for
hard texts when it was loaded, and for as long as it agrees on a sample of a run's own rows; whatever happens instead
is said in the log and in the stats.
"""

import importlib.metadata
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from tuneloom.render.token_bytes import missing_bytes

_LOG = logging.getLogger(__name__)

HARD_TEXTS = (
    "Hello, world! It's 10,000.50 dollars; they'll've gone.",
    " leading, trailing and  double   spaces \n\n\n\t\ttabs\r\n\r\n lines \n ",
    "中文，測試。日本語テスト、한국어 시험입니다！",
    "😀👩‍👩‍👧‍👦🇫🇷🏳️‍🌈🎈",
    "e\u0301 \u0300\u0301 \u1e9b\u0323 ﬁ 𝒜𝓑 ǅ Ⅷ ½ ² ٣٤٥ १२३",
    "عربى עברית ไทย हिन्दी ქართული ᚠᛇᚻ 𓀀 \U000e0001",
    "\x00\x01\x02\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f\x80\x85\x9f\xa0\xad\u200b\u2028\u2029\ufeff\ufffd\uffff",
    "<|im_start|>user\n<|im_end|><s></s><bos><eos><unk>[INST]<think></think><|endoftext|>",
    "def f(x: int) -> str:\n    return {'a': [1, 2]}[x]  # 注释\n\n\nclass A:\n\tpass\n",
    "\\frac{a}{b} $x^2$ https://example.org/a?b=c&d=%20 user@example.org",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa          ----------==========",
    "▁ ▁▁ Ġ Ċ <0x0A>",
    "".join(map(chr, range(0x20, 0x250))),
    "".join(map(chr, range(0x300, 0x2200, 7))),
    "".join(map(chr, range(0x2200, 0xD7FF, 101))) + "".join(map(chr, range(0x10000, 0x10FFFF, 4099))),
    " ".join(map(chr, range(0x4E00, 0x9FFF, 67))),
    "",
    " ",
    "\n",
)


class Engine:
    """Texts to ids; special tokens in them are text, and nothing is added.

    `name` tells who does the work, `fell_back` why the fast engine does not.
    """

    def __init__(self, backend: Any, tree: Mapping[str, Any]) -> None:
        """`backend` is a `tokenizers.Tokenizer`, `tree` what its JSON says."""
        self._judge = backend
        self._rare = _rare(missing_bytes(tree))
        self.fell_back: str | None = None
        try:
            from fastokens import Tokenizer

            self._fast = Tokenizer.from_json_str(orjson.dumps(tree).decode())
            self._check()
        except (ImportError, ValueError, RuntimeError, _Differs) as error:  # what it has no code for, the judge has
            self.fall_back(f"{type(error).__name__}: {error}"[:200])

    @property
    def name(self) -> str:
        """`fastokens 0.3.5`, or the judge's name and version."""
        name = "fastokens" if self._fast else "tokenizers"
        return f"{name} {importlib.metadata.version(name)}"

    def encode(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """n texts -> all their ids in a row, int32 (t,), and where each text's begin, int64 (n + 1,).

        `["Hi", "", "Yo"]` -> `[44, 90, 58]`, `[0, 1, 1, 3]`.
        """
        if not self._fast:
            return self.judge(texts)
        rare = self._rare_texts(texts)
        if not rare:
            return _flat_fast(self._fast, texts)
        apart = dict(zip(rare, _parts(*self.judge([texts[i] for i in rare])), strict=True))
        quick = _parts(*_flat_fast(self._fast, ["" if i in apart else text for i, text in enumerate(texts)]))
        parts = [apart.get(i, part) for i, part in enumerate(quick)]
        return np.concatenate(parts), np.cumsum([0, *map(len, parts)])

    def judge(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The same from `tokenizers`."""
        found = [encoding.ids for encoding in self._judge.encode_batch_fast(list(texts), add_special_tokens=False)]
        offsets = np.cumsum([0, *map(len, found)])
        return np.fromiter((i for ids in found for i in ids), np.int32, int(offsets[-1])), offsets

    def fall_back(self, why: str) -> None:
        """From now on `tokenizers` does the work."""
        self._fast, self.fell_back = None, why
        _LOG.warning("rows are tokenised by tokenizers, slowly: %s", why)

    def _rare_texts(self, texts: Sequence[str]) -> list[int]:
        """Places of texts with a byte that the vocabulary lacks: what becomes of it is for `tokenizers` to say."""
        if not self._rare or not self._rare.search("".join(texts).encode()):
            return []
        return [i for i, text in enumerate(texts) if self._rare.search(text.encode())]

    def _check(self) -> None:
        """Raises _Differs where the engines give different ids for a hard text."""
        for i, (found, want) in enumerate(
            zip(_parts(*self.encode(HARD_TEXTS)), _parts(*self.judge(HARD_TEXTS)), strict=True)
        ):
            if not np.array_equal(found, want):
                raise _Differs(f"fastokens gives other ids than tokenizers for hard text {i}")


class _Differs(Exception):
    """Two engines give different ids."""


def _flat_fast(fast: Any, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    ids, offsets = fast.encode_batch_flat(list(texts), split_special_tokens=True)
    return np.frombuffer(ids, np.uint32).astype(np.int32), np.frombuffer(offsets, np.uint64).astype(np.int64)


def _parts(ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> list[NDArray[np.int32]]:
    """`[44, 90, 58]`, `[0, 1, 1, 3]` -> `[44]`, `[]`, `[90, 58]`."""
    return np.split(ids, offsets[1:-1])


def _rare(missing: Sequence[int]) -> re.Pattern[bytes] | None:
    return re.compile(b"[" + b"".join(re.escape(bytes([byte])) for byte in missing) + b"]") if missing else None


def without_prefix(tree: Mapping[str, Any]) -> dict[str, Any] | None:
    """A tokenizer's JSON changed so that it puts no space before a text, for pieces that go on where another ended;
    None where it puts none as it is."""
    parts = {name: tree.get(name) for name in ("normalizer", "pre_tokenizer")}
    bare = {name: _without_prefix(part) for name, part in parts.items()}
    return None if bare == parts else {**tree, **bare}


def _without_prefix(part: Any) -> Any:
    """`{"type": "Metaspace", "prepend_scheme": "always"}` -> the same with "never"; `Prepend` goes."""
    if not part:
        return part
    if part["type"] == "Sequence":
        key = "normalizers" if "normalizers" in part else "pretokenizers"
        return {**part, key: [left for one in part[key] if (left := _without_prefix(one))]}
    if part["type"] == "Prepend":
        return None
    if part["type"] == "Metaspace":
        return {**part, "prepend_scheme": "never"}
    if part["type"] == "ByteLevel":
        return {**part, "add_prefix_space": False}
    return part


def prefixing(tree: Mapping[str, Any]) -> str:
    """Before which texts a tokenizer puts a space, by its JSON: "none", "first" (of a text), "each" (after a special
    token too)."""
    if without_prefix(tree) is None:
        return "none"
    return "first" if "'prepend_scheme': 'first'" in str(tree["pre_tokenizer"]) else "each"
