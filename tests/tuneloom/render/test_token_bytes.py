"""The bytes of each token, against what `tokenizers` decodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.templates import TOKENIZERS, family
from tuneloom.render.token_bytes import missing_bytes, said_bytes, token_bytes

ALL = {name: family("chatml", name) for name in ("byte-level", "metaspace, never", "prepend")}


@pytest.mark.parametrize("name", sorted(ALL))
@given(text=st.text(alphabet=" aYoHithe你🎈é\n<|im_end|>\x00", max_size=20))
@settings(max_examples=60, deadline=None)
def test_the_bytes_of_a_texts_ids_are_the_texts(name, text):
    tokenizer = ALL[name]
    (ids,) = tokenizer.encode([text])
    data, bounds = tokenizer.said(np.array(ids, np.int32))
    assert bytes(data).decode() == (tokenizer.prefix(text) + text)
    assert len(bounds) == len(ids) + 1


def test_literal_tokens():
    import json

    told = json.loads(TOKENIZERS["metaspace, never"]().to_str())
    table = token_bytes(told).to_pylist()
    vocabulary = told["model"]["vocab"]
    assert [table[vocabulary[text]] for text in ("▁the", "<0x0A>", "你")] == [b" the", b"\n", "你".encode()]
    assert said_bytes(token_bytes(told), np.zeros(0, np.int32))[1].tolist() == [0]


def test_a_decoder_of_another_kind_has_no_table_and_is_asked_token_by_token():
    assert token_bytes({"decoder": {"type": "WordPiece"}, "model": {"vocab": {}}, "added_tokens": []}) is None
    tokenizer = family("chatml")
    tokenizer.__dict__["_bytes"] = None
    data, bounds = tokenizer.said(np.array(tokenizer.encode(["Hi you"])[0], np.int32))
    assert bytes(data) == b"Hi you"
    assert bounds[-1] == 6


def test_bytes_that_a_vocabulary_lacks_are_found():
    told = {"decoder": {"type": "ByteLevel"}, "model": {"vocab": {}}}
    assert len(missing_bytes(told)) == 256 - 13
    assert missing_bytes({"decoder": {"type": "Fuse"}, "model": {"vocab": {}}}) == []
