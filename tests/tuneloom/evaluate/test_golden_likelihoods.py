"""Log-likelihoods and greedy texts of lm-evaluation-harness 0.4.13 (batches of 8, padded), made once by
make_golden_likelihoods.py. It moves a prompt's trailing white space into the choice, so its own token ids are asked."""

import json
from pathlib import Path

import pytest

from tests.conftest import needed
from tests.tiny_model import make_tiny_model
from tests.tuneloom.evaluate.make_golden_likelihoods import FILE, NEW_TOKENS
from tuneloom.errors import UnknownModel
from tuneloom.models.asks import replies
from tuneloom.models.generate import default_stop_ids, generate_greedy, unscored
from tuneloom.models.load import load_model, load_tokenizer, model_folder
from tuneloom.models.resolve import resolve_model
from tuneloom.models.spots import Ask
from tuneloom.models.token_row import TokenRow


def check(folder: Path, golden: list[dict]) -> None:
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    asks = [Ask(unscored("q", one["prompt_ids"]), tuple(map(scored, one["choice_ids"]))) for one in golden]
    for one, reply in zip(golden, replies(model, asks), strict=True):
        assert reply.sums == pytest.approx(one["sums"], abs=1e-3)
    prompts = []
    for one in golden:
        talk = [{"role": "user", "content": one["question"]}]
        text = tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
        prompts.append(tokenizer.encode(text, add_special_tokens=False))
        both = prompts[-1] + tokenizer.encode(one["choices"][0], add_special_tokens=False)
        assert both == one["prompt_ids"] + one["choice_ids"][0], "the harness reads the same tokens"
    stops = default_stop_ids(model, tokenizer) | {tokenizer.convert_tokens_to_ids("<|im_end|>")}
    found = generate_greedy(model, tokenizer, prompts, NEW_TOKENS, stop_ids=stops)
    assert [tokenizer.decode(ids, skip_special_tokens=True) for ids in found] == [one["text"] for one in golden]


def scored(ids: list[int]) -> TokenRow:
    row = unscored("choice", ids)
    row.loss_mask[:] = 1
    return row


def test_the_harness_gets_the_same_of_the_tiny_model(tmp_path):
    check(make_tiny_model(tmp_path), json.loads(FILE.read_text("utf-8"))["tiny"])


@pytest.mark.slow
def test_the_harness_gets_the_same_of_smollm2():
    try:
        source = resolve_model("smollm2-135m-instruct")
    except UnknownModel:
        source = None
    needed("SmolLM2-135M-Instruct", source is not None)
    assert source is not None
    check(model_folder(source), json.loads(FILE.read_text("utf-8"))["smollm2"])
