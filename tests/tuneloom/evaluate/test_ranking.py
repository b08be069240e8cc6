"""Ranking: log-likelihoods are those of one row at a time, each way of choosing is named, NaN is an error."""

import math
import random

import numpy as np
import pytest
import torch

from tests.tuneloom.evaluate.test_questions import SUITE, tokenizer_of
from tuneloom.errors import TrainingError
from tuneloom.evaluate.questions import ask, by_template, wanted_of
from tuneloom.evaluate.ranking import ask_questions, likeliest
from tuneloom.models.generate import generate_greedy
from tuneloom.models.load import load_model, load_tokenizer
from tuneloom.suites import load_suite


@pytest.fixture(scope="module")
def asked(tmp_path_factory, tiny_model):
    path = tmp_path_factory.mktemp("suite") / "mood.yaml"
    more = "".join(f"  - {{text: {'word ' * (1 + i % 7)}{i}, answer: 正面}}\n" for i in range(14))
    path.write_text(SUITE + more, "utf-8")
    suite = load_suite(path)
    model, tokenizer = load_model(tiny_model), load_tokenizer(tiny_model)
    own = tokenizer_of(tokenizer.chat_template)
    return model, tokenizer, ask(suite, wanted_of(suite), by_template(own), 2048)[0]


@torch.no_grad()
def alone(model, row) -> float:
    """Transformers' own forward over one row, float32, nothing padded or packed."""
    logp = model(torch.tensor(row.ids[None], dtype=torch.long)).logits.float().log_softmax(-1)[0]
    places = [i for i in range(len(row.ids)) if row.loss_mask[i]]
    return sum(float(logp[i - 1, int(row.ids[i])]) for i in places)


def label_sums(model, questions, **how) -> list[list[float]]:
    return [reply.sums for reply in ask_questions(model, questions, False, 0, (), **how)[0]]


def test_likelihoods_are_those_of_one_at_a_time_within_a_thousandth_of_a_nat(asked):
    model, _, questions = asked
    found, blanks = ask_questions(model, questions, False, 0, ())
    for question, reply, blank in zip(questions, found, blanks, strict=True):
        assert reply.sums == pytest.approx([alone(model, row) for row in question.choices], abs=1e-3)
        assert blank == pytest.approx([alone(model, row) for row in question.blank], abs=1e-3)


def test_batch_and_order_change_nothing(asked):
    model, _, questions = asked
    wanted = label_sums(model, questions)
    for line in (1, 200, 4096):
        assert np.allclose(label_sums(model, questions, line=line), wanted, atol=1e-3)
    assert np.allclose([label_sums(model, [one])[0] for one in questions], wanted, atol=1e-3), "nothing shared"
    order = random.Random(0).sample(range(len(questions)), len(questions))
    assert np.allclose(label_sums(model, [questions[i] for i in order]), [wanted[i] for i in order], atol=1e-3)


def test_a_question_asked_both_ways_is_answered_and_ranked_as_in_each(asked):
    model, tokenizer, questions = asked
    both = ask_questions(model, questions, True, 7, {0}, slots=3)[0]
    assert np.allclose([reply.sums for reply in both], label_sums(model, questions), atol=1e-3)
    prompts = [q.prompt_ids for q in questions]
    assert [reply.ids for reply in both] == generate_greedy(model, tokenizer, prompts, 7, stop_ids={0})


def test_answers_are_the_same_in_batches_of_1_8_and_32_in_any_order_and_sampling_settings_leak_not_in(asked):
    """The tiny model's own generation config samples with a repetition penalty of 1.3."""
    model, tokenizer, questions = asked
    assert model.generation_config.repetition_penalty == 1.3
    prompts = [list(q.prompt_ids) for q in questions]
    one, eight, many = (generate_greedy(model, tokenizer, prompts, 12, size) for size in (1, 8, 32))
    back = generate_greedy(model, tokenizer, prompts[::-1], 12, 8)[::-1]
    assert one == eight == many == back
    plain = model.generate(
        torch.tensor([prompts[0]]), do_sample=False, repetition_penalty=1.0, max_new_tokens=12, temperature=None
    )
    assert one[0] == plain[0, len(prompts[0]) :].tolist()[: len(one[0])]


def test_each_way_of_choosing_has_a_name_and_they_differ():
    labels, sums, blank = ("yes", "certainly not", "不"), [-3.0, -5.0, -2.0], [-1.0, -9.0, -2.5]
    ways = {way: likeliest(labels, sums, blank, way) for way in ("sum", "character", "byte", "pmi")}
    assert ways == {"sum": "不", "character": "certainly not", "byte": "certainly not", "pmi": "certainly not"}
    # by characters 不 has -2 a character, by bytes -2 / 3: the two are not the same
    assert likeliest(("no", "不"), [-3.0, -2.0], [], "character") == "no"
    assert likeliest(("no", "不"), [-3.0, -2.0], [], "byte") == "不"


@pytest.mark.parametrize("wrong", [math.nan, -math.inf])
def test_a_likelihood_that_is_not_a_number_is_an_error_and_no_choice(wrong):
    with pytest.raises(TrainingError, match="likelihoods"):
        likeliest(("a", "b"), [wrong, -1.0], [], "sum")


def test_a_broken_model_is_found_and_named(asked, tiny_model):
    *_, questions = asked
    broken = load_model(tiny_model)
    with torch.no_grad():
        broken.get_output_embeddings().weight[5] = math.nan
    with pytest.raises(TrainingError, match="nan"):
        ask_questions(broken, questions[:1], False, 0, ())
