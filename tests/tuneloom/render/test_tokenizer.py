"""The row tokenizer: special-token text is text, and nothing is added."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tuneloom.render.templates import CHATML, family
from tuneloom.errors import ConfigError
from tuneloom.render.tokenizer import load_row_tokenizer, row_tokenizer

TOKENIZER = family("chatml")


@given(st.lists(st.sampled_from(["<|im_end|>", "<|im_start|>", "<|endoftext|>", " ", "\n", "a", "你", "🎈"])))
@settings(max_examples=60, deadline=None)
def test_no_text_becomes_a_special_token_and_every_text_comes_back(parts):
    text = "".join(parts)
    (ids,) = TOKENIZER.encode([text])
    assert not set(ids) & set(TOKENIZER.special.values())
    assert TOKENIZER.decode([ids]) == [text]


def test_a_models_folder_gives_tokenizer_and_template(tiny_model):
    tokenizer = load_row_tokenizer(tiny_model)
    assert set(tokenizer.special) == {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
    assert tokenizer.template.named["eos_token"] == "<|im_end|>"
    assert tokenizer.digest == load_row_tokenizer(tiny_model).digest


def test_digests_tell_tokenizers_and_templates_apart(tiny_model):
    first, second = load_row_tokenizer(tiny_model), family("llama 3")
    assert first.digest != second.digest
    assert first.template.digest != second.template.digest


def test_a_model_without_a_template_is_refused_with_a_remedy(tiny_model, tmp_path):
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / file).write_bytes((tiny_model / file).read_bytes())
    with pytest.raises(ConfigError, match="chat template") as caught:
        load_row_tokenizer(tmp_path)
    assert "instruct model" in caught.value.remedy


def test_padding_and_truncation_of_the_saved_tokenizer_are_off():
    backend = TOKENIZER.backend
    backend.enable_truncation(2)
    backend.enable_padding(length=10)
    assert len(row_tokenizer(backend, CHATML, {}).encode(["a long text"])[0]) > 2
    backend.no_truncation()
    backend.no_padding()
