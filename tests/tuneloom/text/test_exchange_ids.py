"""Ids made in a kernel are those of `content_digest`, and its blake2b is hashlib's."""

import hashlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tuneloom.records import Conversation, Message, content_digest
from tuneloom.text import exchange_ids as ids

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@settings(deadline=None)
@given(st.lists(st.tuples(_TEXTS, _TEXTS), max_size=4))
@example([("a" * n, "".join(map(chr, range(0, 160)))) for n in range(140)])
def test_an_exchange_has_the_id_of_its_conversation(pairs: list[tuple[str, str]]) -> None:
    encoded = [text.encode() for pair in pairs for text in pair]
    bounds = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    said = [Conversation((Message("user", asked), Message("assistant", answer))) for asked, answer in pairs]
    found = ids.exchange_ids(np.frombuffer(b"".join(encoded), np.uint8), bounds)
    assert found.to_pylist() == [content_digest(one) for one in said]


@pytest.mark.parametrize("size", [0, 1, 3, 127, 128, 129, 255, 256, 257, 5_000])
def test_blake2b_gives_the_known_answers(size: int) -> None:
    data = np.zeros(size + 128, np.uint8)
    data[:size] = np.arange(size) * 7 % 256
    state = np.empty(8, np.uint64)
    ids._blake2b(data.copy(), size, state)
    assert state[:2].tobytes() == hashlib.blake2b(data[:size].tobytes(), digest_size=16).digest()
