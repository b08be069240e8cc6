"""Encoder-decoders end to end: rows, loss as transformers has it, training, saving, answers."""

from pathlib import Path

import pytest
import torch

from tests.tiny_seq2seq import make_tiny_bart, make_tiny_t5
from tests.token_rows import one_row_packs
from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.config import Train
from tuneloom.models.generate import generate_greedy
from tuneloom.models.likelihood import row_losses
from tuneloom.models.load import load_adapter, load_model, load_tokenizer, model_folder
from tuneloom.models.resolve import resolve_model
from tuneloom.models.seq2seq import input_and_target, reads_and_writes, summed_loss
from tuneloom.render.loss_mask import prompt_ids
from tuneloom.render.shards import read_rows
from tuneloom.train.adapters import attach, save_trained
from tuneloom.train.trainer import train

TALKS = [talk(f"What is number {i}?", answer) for i, answer in enumerate(["one", "the two", "a three of a", "no four"])]


@pytest.fixture(scope="module", params=["t5", "bart"])
def folder(request, tmp_path_factory) -> Path:
    make = {"t5": make_tiny_t5, "bart": make_tiny_bart}[request.param]
    return make(tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def rows(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("rows")
    return list(read_rows(rendered(place, mixture(place, [("train", one) for one in TALKS]), folder), "train"))


def test_the_loss_is_that_of_transformers_row_by_row(folder, rows):
    model = load_model(folder)
    assert reads_and_writes(model)
    with torch.no_grad():
        wanted = []
        for row in rows:
            given, target = (torch.tensor(side.tolist())[None] for side in input_and_target(row))
            wanted.append(float(model(input_ids=given, labels=target).loss) * target.numel())
        together, count = summed_loss(model, rows)
    assert float(together) == pytest.approx(sum(wanted), rel=1e-5)
    assert [loss.sum for loss in row_losses(model, rows)] == pytest.approx(wanted, rel=1e-5)
    assert count == sum(row.supervised for row in rows)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_training_learns_saves_and_answers(folder, rows, tmp_path, method):
    settings = Train(method=method, rank=8, tokens_per_step=60, learning_rate=0.01, epochs=60, schedule="constant")
    model = attach(load_model(folder), settings, 0)
    report = train(model, rows, one_row_packs(rows, settings, 0), settings, 0)
    assert report.steps[-1].loss < 0.5 * report.steps[0].loss
    save_trained(model, tmp_path / "tuned", "tiny")
    again = load_adapter(load_model(folder), tmp_path / "tuned") if method == "lora" else load_model(tmp_path / "tuned")
    assert row_losses(again, rows) == row_losses(model, rows)
    tokenizer, prompts = load_tokenizer(folder), [prompt_ids(row).tolist() for row in rows]
    together = generate_greedy(again, tokenizer, prompts, 12)
    assert together == [generate_greedy(again, tokenizer, [prompt], 12)[0] for prompt in prompts]
    if method == "full":
        assert [[*ids, tokenizer.eos_token_id] for ids in together] == [input_and_target(r)[1].tolist() for r in rows]


def test_the_micro_batch_budget_changes_nothing(folder, rows):
    losses = []
    for budget in (1, 10_000):
        settings = Train(method="full", tokens_per_step=1000, micro_batch_tokens=budget, epochs=3)
        model = attach(load_model(folder), settings, 0)
        report = train(model, rows, one_row_packs(rows, settings, 0), settings, 0)
        losses.append([step.loss for step in report.steps])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_an_encoder_decoder_gets_no_chat_template(folder):
    assert model_folder(resolve_model(str(folder))) == folder
