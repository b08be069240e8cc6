"""Rows of encoder-decoders: the prompt without the answer, the answer with its end, each answer once."""

from pathlib import Path

import pytest

from tests.tiny_seq2seq import make_tiny_t5
from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.models.seq2seq import input_and_target
from tuneloom.records import Conversation, Message
from tuneloom.render.seq2seq import encoder_text, targets
from tuneloom.render.shards import read_rows
from tuneloom.render.tokenizer import load_plain_tokenizer


@pytest.fixture(scope="module")
def t5(tmp_path_factory) -> Path:
    return make_tiny_t5(tmp_path_factory.mktemp("t5"))


def sides(artifact, t5, side="train") -> list[tuple[str, str]]:
    tokenizer = load_plain_tokenizer(t5)
    return [tuple(tokenizer.decode(list(input_and_target(row)))) for row in read_rows(artifact, side)]


def test_input_and_target_end_with_the_end_token_as_t5s_tokenizer_writes_them(t5, tmp_path):
    from transformers import AutoTokenizer

    artifact = rendered(tmp_path, mixture(tmp_path, [("train", talk("Translate: Paris", "the capital"))]), t5)
    (row,) = read_rows(artifact, "train")
    given, target = input_and_target(row)
    tokenizer = AutoTokenizer.from_pretrained(t5)
    assert given.tolist() == tokenizer("Translate: Paris").input_ids
    assert target.tolist() == tokenizer(text_target="the capital").input_ids


def test_each_answer_of_a_conversation_is_a_row_that_is_made(t5, tmp_path):
    talked = talk("one", "two", "three", "four")
    artifact = rendered(tmp_path, mixture(tmp_path, [("train", talked), ("test", talked)]), t5)
    assert (artifact.manifest.counts.made, artifact.manifest.counts.rows_out) == (1, 3)
    long = "user: one assistant: two user: three</s>"  # T5 knows no line break
    assert sorted(" ".join(given.split()) for given, _ in sides(artifact, t5)) == ["one</s>", long]
    assert [target for _, target in sides(artifact, t5, "test")] == ["four</s>"]
    last = rendered(tmp_path, mixture(tmp_path, [("train", talked)], name="last"), t5, learn="last")
    assert [target for _, target in sides(last, t5)] == ["four</s>"]


def test_an_answer_of_weight_0_is_input_alone():
    said = [{"role": r, "content": c, "weight": w} for r, c, w in [("user", "a", 1), ("assistant", "b", 0)]]
    assert targets([*said, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]) == [
        [*said, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]
    ]
    assert targets(said) == [said]
    assert encoder_text(said[:1]) == "a"


def test_what_cannot_be_said_is_rejected_with_a_reason(t5, tmp_path):
    rows = [
        talk("Hi", "the answer"),
        talk("Hi", "巴黎🎈"),
        Conversation((Message("user", "Hi"), Message("assistant", "x")), tools='[{"name": "f"}]'),
        talk("Hi", "the " * 300),
        Conversation((Message("user", "Hi"), Message("assistant", "x", weight=0))),
    ]
    artifact = rendered(tmp_path, mixture(tmp_path, [("train", row) for row in rows]), t5, 256)
    assert artifact.manifest.reasons == {
        "loss mask not proven": 1, "no place for tools": 1, "too long": 1, "nothing to learn": 1
    }  # fmt: skip


def test_the_oldest_turns_leave_an_input_that_is_too_long(t5, tmp_path):
    rows = mixture(tmp_path, [("train", talk("old " * 60, "the reply", "new", "answer"))])
    artifact = rendered(tmp_path, rows, t5, 64, too_long="truncate")
    assert ("new</s>", "answer</s>") in sides(artifact, t5)
    assert artifact.stats["too_long"]["truncated_rows"] == 1


def test_special_token_text_stays_text(t5, tmp_path):
    artifact = rendered(tmp_path, mixture(tmp_path, [("train", talk("a <extra_id_0> </s> b", "c </s> d"))]), t5)
    tokenizer = load_plain_tokenizer(t5)
    for row in read_rows(artifact, "train"):
        assert sum(int(i) in (tokenizer.special["</s>"], tokenizer.special["<extra_id_0>"]) for i in row.ids) == 2
