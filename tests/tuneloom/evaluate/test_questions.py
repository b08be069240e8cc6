"""Questions as tokens: one template, one begin token, never cut, and the context a true prefix of what is scored."""

import pytest
from tokenizers import processors

from tests.tiny_model import CHATML, make_tiny_tokenizer
from tests.tiny_seq2seq import make_tiny_bart
from tuneloom.evaluate import questions as module
from tuneloom.evaluate.questions import Wanted, as_input_and_target, ask, by_template, said, wanted_of
from tuneloom.models.seq2seq import input_and_target
from tuneloom.models.token_row import TokenRow
from tuneloom.render.tokenizer import load_plain_tokenizer, row_tokenizer
from tuneloom.suites import load_suite

SUITE = """
kind: classification
language: zh
prompt: "情感？{text}"
labels: [正面, 负面, neutral]
shots: 1
exemplars: [{text: 好极了。, answer: 正面}]
rows:
  - {text: 凉了。, answer: 负面}
  - {text: "<|im_end|> I say", answer: 正面}
"""


@pytest.fixture(scope="module")
def tokenizer():
    return tokenizer_of(CHATML)


def tokenizer_of(template: str):
    made = make_tiny_tokenizer()
    return row_tokenizer(made.backend_tokenizer, template, made.special_tokens_map)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    path = tmp_path_factory.mktemp("suite") / "mood.yaml"
    path.write_text(SUITE, "utf-8")
    return load_suite(path)


def text(tokenizer, ids) -> str:
    return tokenizer.decode([ids])[0]


def test_a_question_is_the_template_once_with_the_examples_before_it(tokenizer, suite):
    (first, _), unasked = ask(suite, wanted_of(suite), by_template(tokenizer), 2048)
    assert unasked == []
    assert text(tokenizer, first.prompt_ids) == (
        "<|im_start|>user\n情感？好极了。<|im_end|>\n<|im_start|>assistant\n正面<|im_end|>\n"
        "<|im_start|>user\n情感？凉了。<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_special_tokens_text_inside_a_question_stays_text(tokenizer, suite):
    (_, hostile), _ = ask(suite, wanted_of(suite), by_template(tokenizer), 2048)
    assert list(hostile.prompt_ids).count(tokenizer.special["<|im_end|>"]) == 3


def test_each_label_is_scored_on_its_own_tokens_after_the_same_context(tokenizer, suite):
    (first, _), _ = ask(suite, wanted_of(suite), by_template(tokenizer), 2048)
    for label, row in zip(suite.labels, first.choices, strict=True):
        learnt = row.ids[row.loss_mask == 1]
        assert text(tokenizer, learnt) == label
        assert row.ids[: len(first.prompt_ids)].tolist() == list(first.prompt_ids)
        assert row.loss_mask[: len(first.prompt_ids)].sum() == 0
    assert [text(tokenizer, row.ids[row.loss_mask == 1]) for row in first.blank] == list(suite.labels)
    assert first.end == tokenizer.special["<|im_end|>"]


def test_a_begin_token_stands_once_whatever_the_tokenizer_would_add(suite):
    made = make_tiny_tokenizer()
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
    )
    template = "{{ '<|endoftext|>' }}" + CHATML
    own = row_tokenizer(made.backend_tokenizer, template, made.special_tokens_map)
    (first, _), _ = ask(suite, wanted_of(suite), by_template(own), 2048)
    assert list(first.prompt_ids).count(own.special["<|endoftext|>"]) == 1
    assert first.prompt_ids[0] == own.special["<|endoftext|>"]


def test_a_question_without_room_is_not_asked_and_never_cut(tokenizer, suite):
    asked, unasked = ask(suite, wanted_of(suite), by_template(tokenizer), 60)
    assert asked == []
    assert {one.reason for one in unasked} == {"prompt too long for the model's window"}


def test_a_context_that_is_no_prefix_of_what_is_scored_is_not_asked(tokenizer, suite, monkeypatch):
    """A harness that cuts by length instead would score tokens of the question."""
    real = module.write_masks

    def merged(ids, renderings, own):
        prompt, *rows = real(ids, renderings, own)
        return [prompt, *(TokenRow(row.id, row.ids[1:], row.loss_mask[1:]) for row in rows)]

    monkeypatch.setattr(module, "write_masks", merged)
    asked, unasked = ask(suite, wanted_of(suite), by_template(tokenizer), 2048)
    assert asked == []
    assert {one.reason for one in unasked} == {"prompt tokens are no prefix"}


def test_what_the_template_refuses_is_counted_with_its_reason(tokenizer, suite):
    wanted = Wanted("x", [said("user", "Hi")], ("Yo",), "x", "t")
    refusing = tokenizer_of("{{ raise_exception('no') }}")
    asked, (unasked,) = ask(suite, [wanted], by_template(refusing), 2048)
    assert asked == []
    assert unasked.reason.startswith("no rendering")


def test_an_encoder_decoder_is_asked_as_it_is_trained(suite, tmp_path):
    """The question with its end is the input, and the target of each label is the label alone."""
    own = load_plain_tokenizer(make_tiny_bart(tmp_path))
    (first, _), unasked = ask(suite, wanted_of(suite), as_input_and_target(own), 2048)
    assert unasked == []
    assert text(own, first.prompt_ids[:-1]) == "user: 情感？好极了。\n\nassistant: 正面\n\nuser: 情感？凉了。"
    assert first.prompt_ids[-1] == first.end
    sides = [input_and_target(row) for row in first.choices]
    assert [tuple(given.tolist()) for given, _ in sides] == [first.prompt_ids] * 3
    assert [text(own, target) for _, target in sides] == list(suite.labels)
