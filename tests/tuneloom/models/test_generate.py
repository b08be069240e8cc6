"""Greedy answers: in a batch as alone, and deaf to the model's own sampling settings."""

from pathlib import Path

import pytest
import torch
from transformers import GenerationConfig

from tests.token_rows import token_rows
from tuneloom.errors import ConfigError
from tuneloom.models.generate import default_stop_ids, generate_greedy
from tuneloom.models.load import load_model, load_tokenizer

LENGTHS = (5, 17, 2, 9, 30, 1, 9)


@pytest.fixture(scope="module")
def loaded(tiny_model: Path):
    return load_model(tiny_model), load_tokenizer(tiny_model)


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    return [row.ids.tolist() for row in token_rows(LENGTHS)]


def by_transformers(model, prompt: list[int], new: int, stops: set[int]) -> list[int]:
    """transformers' own greedy answer with a fresh GenerationConfig, cut at the first stop."""
    config = GenerationConfig(max_new_tokens=new, do_sample=False, eos_token_id=None, pad_token_id=0)
    before, model.generation_config = model.generation_config, config
    try:
        ids = torch.tensor([prompt])
        out = model.generate(ids, attention_mask=torch.ones_like(ids))[0, len(prompt) :].tolist()
    finally:
        model.generation_config = before
    return out[: next((place for place, token in enumerate(out) if token in stops), new)]


def test_a_batch_answers_as_each_prompt_alone_and_as_transformers(loaded, prompts) -> None:
    model, tokenizer = loaded
    free = [by_transformers(model, prompt, 24, set()) for prompt in prompts]
    stops = {free[0][6], free[3][10]}  # tokens that some answers reach, at different steps
    wanted = [by_transformers(model, prompt, 24, stops) for prompt in prompts]
    assert len({len(answer) for answer in wanted}) > 1, "rows must leave the batch at different steps"
    for batch_size in (1, 2, 7):
        assert generate_greedy(model, tokenizer, prompts, 24, batch_size, stops) == wanted


def test_a_cut_answer_has_exactly_the_tokens_allowed(loaded, prompts) -> None:
    model, tokenizer = loaded
    assert [len(answer) for answer in generate_greedy(model, tokenizer, prompts, 3, stop_ids=[])] == [3] * len(prompts)


def test_a_model_that_stops_at_once_answers_nothing(loaded, prompts) -> None:
    model, tokenizer = loaded
    first = generate_greedy(model, tokenizer, prompts[:1], 1, stop_ids=[])[0][0]
    assert generate_greedy(model, tokenizer, prompts[:1], 5, stop_ids=[first]) == [[]]


def test_the_models_sampling_settings_do_not_leak(loaded, prompts) -> None:
    model, tokenizer = loaded
    assert model.generation_config.repetition_penalty == 1.3
    first = generate_greedy(model, tokenizer, prompts, 12, stop_ids=[])
    assert first == generate_greedy(model, tokenizer, prompts, 12, stop_ids=[])
    assert first == [by_transformers(model, prompt, 12, set()) for prompt in prompts]


def test_it_works_on_a_model_loaded_for_packing(tiny_model: Path, loaded, prompts) -> None:
    model, tokenizer = loaded
    packed = load_model(tiny_model, attention="segment")
    assert generate_greedy(packed, tokenizer, prompts, 6) == generate_greedy(model, tokenizer, prompts, 6)
    assert packed.config._attn_implementation == "segment"


def test_stop_ids_are_the_end_tokens_of_tokenizer_and_model(loaded) -> None:
    model, tokenizer = loaded
    assert default_stop_ids(model, tokenizer) == {tokenizer.eos_token_id}


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_side_and_end_tokens_inside_a_prompt_change_nothing(loaded, prompts, side: str) -> None:
    """The model pads with its end token: an end token in a prompt is read, and is no padding."""
    model, tokenizer = loaded
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    ended = [[*prompt, tokenizer.eos_token_id, *prompt[::-1]] for prompt in prompts]
    before, tokenizer.padding_side = tokenizer.padding_side, side
    try:
        found = generate_greedy(model, tokenizer, ended, 12, 4, stop_ids=[])
    finally:
        tokenizer.padding_side = before
    assert found == [by_transformers(model, prompt, 12, set()) for prompt in ended]


def test_progress_is_told_and_an_empty_prompt_refused(loaded, prompts) -> None:
    model, tokenizer = loaded
    told: list[int] = []
    generate_greedy(model, tokenizer, prompts, 2, batch_size=3, on_rows=told.append)
    assert told == sorted(told)
    assert told[-1] == 7
    assert generate_greedy(model, tokenizer, [], 2) == []
    with pytest.raises(ConfigError, match="no tokens"):
        generate_greedy(model, tokenizer, [[3], []], 2)
