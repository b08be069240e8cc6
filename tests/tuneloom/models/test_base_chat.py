"""Base models without a chat template get ChatML; its new tokens train, are saved, and load in plain PEFT."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.tiny_model import make_tiny_tokenizer
from tests.token_rows import one_row_packs
from tests.tuneloom.render.templates import say
from tuneloom.config import Train
from tuneloom.models.base_chat import NOTE, TOKENS, chat_addition, new_tokens
from tuneloom.models.load import load_adapter, load_model, load_tokenizer, model_folder
from tuneloom.models.resolve import resolve_model
from tuneloom.render.chat_template import Rendering
from tuneloom.render.loss_mask import check_tokenizer, write_masks
from tuneloom.render.tokenizer import load_row_tokenizer
from tuneloom.train.adapters import attach, save_trained
from tuneloom.train.trainer import train


@pytest.fixture(params=["tied", "untied"])
def base(request, tmp_path, monkeypatch) -> Path:
    """A folder of a tiny base model: no chat template, only an end token, more or fewer rows than tokens."""
    from tokenizers import Tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tree = json.loads(make_tiny_tokenizer().backend_tokenizer.to_str())
    tree["added_tokens"] = [token for token in tree["added_tokens"] if token["content"] not in TOKENS]
    vocabulary = tree["model"]["vocab"]
    tree["model"]["vocab"] = {token: i for i, token in enumerate(t for t in vocabulary if t not in TOKENS)}
    tree["added_tokens"][0]["id"] = tree["model"]["vocab"]["<|endoftext|>"]
    end = {"eos_token": "<|endoftext|>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(tree)), **end)
    torch.manual_seed(0)
    tied = request.param == "tied"
    config = LlamaConfig(
        vocab_size=len(tokenizer) if tied else len(tokenizer) + 6,  # as models padded to a multiple of 64
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, tie_word_embeddings=tied,
        initializer_range=0.2,
    )  # fmt: skip
    folder = tmp_path / "base"
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_template_and_its_tokens_are_added_once_and_the_rest_stays(base):
    said: list[str] = []
    assert chat_addition(base).tokens == TOKENS
    source = resolve_model(str(base))
    prepared = model_folder(source, said.append)
    assert model_folder(source, said.append) == prepared
    assert len(said) == 1
    assert "2 tokens added (<|im_start|>, <|im_end|>), whose embeddings train" in said[0]
    assert not (base / "chat_template.jinja").exists()
    check_tokenizer(load_row_tokenizer(prepared))
    tokenizer, ids = load_tokenizer(prepared), new_tokens(prepared)
    assert tokenizer.convert_ids_to_tokens(ids) == list(TOKENS)
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    before, after = load_model(base), load_model(prepared)
    old, new = (model.get_input_embeddings().weight for model in (before, after))
    assert torch.equal(new[: ids[0]], old[: ids[0]])
    torch.testing.assert_close(new[ids[1]], old[: ids[0]].mean(0))


def test_the_new_tokens_train_and_load_in_plain_peft_with_equal_logits(base, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    prepared = model_folder(resolve_model(str(base)))
    ids, tokenizer = new_tokens(prepared), load_row_tokenizer(prepared)
    talks = [say(f"What is {i}?", "It is.") for i in range(6)]
    renderings = [tokenizer.template.render(talk) for talk in talks]
    assert all(isinstance(one, Rendering) for one in renderings)
    rows = write_masks([str(i) for i in range(6)], renderings, tokenizer)
    settings = Train(rank=2, tokens_per_step=60, learning_rate=0.01, epochs=3)
    model = attach(load_model(prepared), settings, 0, ids)
    report = train(model, rows, one_row_packs(rows, settings, 0), settings, 0)
    assert report.steps[-1].loss < 0.9 * report.steps[0].loss
    save_trained(model, tmp_path / "adapter", "base")
    load_tokenizer(prepared).save_pretrained(tmp_path / "adapter")

    asked = torch.tensor([rows[0].ids.tolist()])
    with torch.no_grad():
        wanted = model(asked).logits
        torch.testing.assert_close(load_adapter(load_model(prepared), tmp_path / "adapter")(asked).logits, wanted)
        plain, its = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(tmp_path / "adapter")
        if len(its) > plain.get_input_embeddings().num_embeddings:
            plain.resize_token_embeddings(len(its))
        found = PeftModel.from_pretrained(plain, str(tmp_path / "adapter"))(asked).logits
        torch.testing.assert_close(found[..., : len(its)], wanted[..., : len(its)], rtol=1e-5, atol=1e-5)
        text = its.apply_chat_template(talks[0], tokenize=True, return_dict=False)
        assert text == rows[0].ids.tolist()
        untrained = load_model(prepared).get_input_embeddings().weight[ids]
    merged = model.merge_and_unload()
    for layer in (merged.get_input_embeddings(), merged.get_output_embeddings()):
        assert (layer.weight[ids] - untrained).abs().max() > 1e-3


def test_a_base_is_given_back_whole_when_its_adapter_is_taken_off(base, tmp_path):
    prepared = model_folder(resolve_model(str(base)))
    save_trained(attach(load_model(prepared), Train(rank=2), 0, new_tokens(prepared)), tmp_path / "adapter", "base")
    model, asked = load_model(prepared), torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        wanted = model(asked).logits.clone()
        off = load_adapter(model, tmp_path / "adapter").unload()
        assert torch.equal(off(asked).logits, wanted)


def test_a_vocabulary_that_has_the_tokens_gets_no_new_ones(base, tiny_model, tmp_path):
    folder = tmp_path / "reserved"
    shutil.copytree(tiny_model, folder)
    (folder / "chat_template.jinja").unlink()
    assert chat_addition(folder).tokens == ()
    prepared = model_folder(resolve_model(str(folder)))
    assert json.loads((prepared / NOTE).read_text())["new_tokens"] == []
    assert load_model(prepared).get_input_embeddings().num_embeddings == len(make_tiny_tokenizer())


def test_a_model_with_a_template_is_left_alone(tiny_model):
    assert chat_addition(tiny_model) is None
    assert model_folder(resolve_model(str(tiny_model))) == tiny_model
    assert new_tokens(tiny_model) == []
