"""The fast engine gives what `tokenizers` gives, or is not used, and says so."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.templates import TOKENIZERS, family
from tuneloom.render.engine import HARD_TEXTS, Engine, prefixing, without_prefix

TOKENIZER = family("chatml")


def tree(backend) -> dict:
    import json

    return json.loads(backend.to_str())


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@given(texts=st.lists(st.text(max_size=20) | st.sampled_from(HARD_TEXTS), max_size=5))
@settings(max_examples=40, deadline=None)
def test_any_texts_get_the_ids_of_tokenizers(name, texts):
    engine = family("chatml", name).engine
    (ids, bounds), (want, want_bounds) = engine.encode(texts), engine.judge(texts)
    assert ids.tolist() == want.tolist()
    assert bounds.tolist() == want_bounds.tolist()
    assert ids.dtype == want.dtype == np.int32


def test_byte_level_tokenizers_are_served_by_the_fast_engine():
    assert TOKENIZER.engine.name.startswith("fastokens ")
    assert TOKENIZER.engine.fell_back is None


def test_without_the_package_tokenizers_does_the_work_and_it_is_said(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "fastokens", None)
    engine = Engine(TOKENIZER.backend, tree(TOKENIZER.backend))
    assert engine.name.startswith("tokenizers ")
    assert "fastokens" in engine.fell_back
    assert "slowly" in caplog.text
    assert engine.encode(["Hi"])[0].tolist() == TOKENIZER.engine.encode(["Hi"])[0].tolist()


def test_an_engine_that_gives_other_ids_is_not_used(monkeypatch):
    import fastokens

    other = fastokens.Tokenizer.from_json_str(family("chatml", "byte-level, space before").backend.to_str())

    class Wrong:
        from_json_str = staticmethod(lambda _: other)

    monkeypatch.setattr(fastokens, "Tokenizer", Wrong)
    engine = Engine(TOKENIZER.backend, tree(TOKENIZER.backend))
    assert "other ids" in engine.fell_back


def test_texts_with_a_byte_that_the_vocabulary_lacks_go_to_tokenizers():
    from tokenizers import Tokenizer

    without = tree(TOKENIZER.backend)
    del without["model"]["vocab"]["ñ"]  # the letter of byte 0xF1
    without["model"]["vocab"] = {text: i for i, text in enumerate(without["model"]["vocab"])}
    without["added_tokens"] = []
    import json

    backend = Tokenizer.from_str(json.dumps(without))
    engine = Engine(backend, without)
    assert engine.name.startswith("fastokens ")
    texts = ["Hi", "a\U00040000b", "", "Yo"]
    assert [x.tolist() for x in engine.encode(texts)] == [x.tolist() for x in engine.judge(texts)]
    assert engine._rare_texts(texts) == [1]


def test_the_hard_texts_have_chinese_emoji_controls_and_every_plane():
    letters = set("".join(HARD_TEXTS))
    assert {"中", "🎈", "\x00", "\x1b", "\u200b", "\u0301"} <= letters
    assert {ord(letter) >> 16 for letter in letters} == set(range(17))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("byte-level", "none"),
        ("byte-level, space before", "each"),
        ("metaspace, never", "none"),
        ("metaspace, first", "first"),
        ("metaspace, always", "each"),
        ("prepend", "each"),
    ],
)
def test_the_spaces_a_tokenizer_puts_before_texts_are_known(name, how):
    told = tree(TOKENIZERS[name]())
    assert prefixing(told) == how
    bare = without_prefix(told)
    assert (bare is None) == (how == "none")
    assert bare is None or prefixing(bare) == "none"
