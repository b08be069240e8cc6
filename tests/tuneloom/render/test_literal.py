"""Special tokens that are pieces of a vocabulary are out of the reach of text, and nothing else changes."""

import pytest

from tests.tiny_seq2seq import make_tiny_t5
from tests.tuneloom.render.templates import FAMILIES, TOKENIZERS, family
from tuneloom.render.tokenizer import load_plain_tokenizer


@pytest.fixture(scope="module")
def unigram(tmp_path_factory):
    return load_plain_tokenizer(make_tiny_t5(tmp_path_factory.mktemp("t5")))


def test_tokenizers_itself_would_make_tokens_of_the_text(unigram):
    """Where this fails, `tokenizers` has mended it, and the module can go."""
    assert unigram.special["</s>"] in unigram.backend.encode("a </s> b", add_special_tokens=False).ids


def test_the_text_of_a_special_token_stays_text_and_other_text_gets_the_same_ids(unigram):
    for text in unigram.special:
        if text == "<unk>":
            continue  # what is unknown is <unk> by right
        (ids,) = unigram.encode([f"the {text} text"])
        assert unigram.special[text] not in ids
        assert unigram.decode([ids])[0].split() == f"the {text} text".split()
    plain = ["What is the capital of France?", "", " two  spaces", "ABC 123"]
    assert unigram.encode(plain) == [unigram.backend.encode(text, add_special_tokens=False).ids for text in plain]


@pytest.mark.parametrize("tokenizer", sorted(TOKENIZERS))
@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_no_special_text_of_any_family_becomes_a_token_in_any_tokenizer(name, tokenizer):
    row_tokenizer = family(name, tokenizer)
    special = row_tokenizer.special
    texts = [form.format(text) for text in special for form in ("{}", "a{}b", " {} ", "{0}{0}")]
    for text, ids in zip(texts, row_tokenizer.encode(texts), strict=True):
        assert not {*ids} & {i for t, i in special.items() if t != "<unk>"}, text
