"""A merged model says what the base with its adapter says, in a folder that transformers alone can open."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_seq2seq import make_tiny_bart, make_tiny_t5
from tuneloom.errors import BrokenArtifact
from tuneloom.models.load import load_adapter, load_model
from tuneloom.models.resolve import resolve_model
from tuneloom.release.merge import merged, write_whole

ADAPTERS: dict[str, dict[str, Any]] = {
    "lora": {},
    "dora": {"use_dora": True},
    "rslora": {"use_rslora": True},
    "head": {"modules_to_save": ["lm_head"]},
    "norms": {"modules_to_save": ["norm"]},
    "new tokens": {"trainable_token_indices": {"embed_tokens": [3, 4]}},
}


def make_adapter(base: Path, folder: Path, task: str = "CAUSAL_LM", **more: Any) -> Path:
    """An adapter that changes what the base says: everything in it is noise."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(3)
    model = get_peft_model(
        load_model(base), LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type=task, **more)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return folder


def logits(model: Any) -> torch.Tensor:
    ids = torch.arange(5, 45)[None]
    given = {"labels": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        return model.eval()(input_ids=ids, use_cache=False, **given).logits


def assert_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    """To 1e-5 of the largest logit."""
    assert float((found - wanted).abs().max()) <= 1e-5 * float(wanted.abs().max())


@pytest.mark.parametrize("kind", ADAPTERS)
def test_the_folder_says_in_plain_transformers_what_base_and_adapter_say(
    tiny_model: Path, tmp_path: Path, kind: str
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    adapter = make_adapter(tiny_model, tmp_path / "adapter", **ADAPTERS[kind])
    (tmp_path / "whole").mkdir()
    assert write_whole(resolve_model(str(tiny_model)), adapter, tmp_path / "whole") == "float32"
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "whole")
    wanted = logits(load_adapter(load_model(tiny_model), adapter))
    assert_same(logits(whole), wanted)
    assert (wanted - logits(load_model(tiny_model))).abs().max() > 0.1
    assert sorted(path.suffix for path in (tmp_path / "whole").iterdir() if "model" in path.name) == [".safetensors"]
    assert AutoTokenizer.from_pretrained(tmp_path / "whole").chat_template
    assert whole.config.tie_word_embeddings is (kind != "head")


@pytest.mark.parametrize("make", [make_tiny_t5, make_tiny_bart])
def test_an_encoder_decoder_is_merged(tmp_path: Path, make: Any) -> None:
    from transformers import AutoModelForSeq2SeqLM

    base = make(tmp_path / "base")
    adapter = make_adapter(base, tmp_path / "adapter", "SEQ_2_SEQ_LM")
    write_whole(resolve_model(str(base)), adapter, tmp_path / "whole")
    wanted = logits(load_adapter(load_model(base), adapter))
    assert_same(logits(AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "whole")), wanted)


def test_a_base_in_bfloat16_is_merged_in_float32_and_rounded_once(tiny_model: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base, adapter = tmp_path / "base", make_adapter(tiny_model, tmp_path / "adapter")
    load_model(tiny_model, "bfloat16").save_pretrained(base)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(base)
    assert write_whole(resolve_model(str(base)), adapter, tmp_path / "whole") == "bfloat16"
    exact = load_adapter(load_model(base), adapter).merge_and_unload().state_dict()
    stored = AutoModelForCausalLM.from_pretrained(tmp_path / "whole", dtype="auto").state_dict()
    assert stored.keys() == exact.keys()
    assert all(torch.equal(stored[name], tensor.to(torch.bfloat16)) for name, tensor in exact.items())


def test_a_fully_trained_model_goes_out_with_its_bases_tokenizer(tiny_model: Path, tmp_path: Path) -> None:
    load_model(tiny_model).save_pretrained(tmp_path / "model")
    write_whole(resolve_model(str(tiny_model)), tmp_path / "model", tmp_path / "whole")
    torch.testing.assert_close(logits(load_model(tmp_path / "whole")), logits(load_model(tiny_model)))
    assert (tmp_path / "whole" / "tokenizer.json").is_file()


def test_a_merge_that_goes_wrong_is_noticed(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from peft import PeftModel

    adapted = load_adapter(load_model(tiny_model), make_adapter(tiny_model, tmp_path / "adapter"))
    monkeypatch.setattr(PeftModel, "merge_and_unload", lambda self, **_: self.unload(), raising=False)
    with pytest.raises(BrokenArtifact, match="the merged model differs"):
        merged(adapted)
