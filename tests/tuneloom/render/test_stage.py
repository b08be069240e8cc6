"""Stage render: every row kept or rejected with its reason, the same bytes for the same rows."""

import json

import pytest

from tests.tuneloom.render.build import mixture, rendered, talk
from tuneloom.errors import NoUsableData
from tuneloom.records import Conversation, Message
from tuneloom.render.loss_mask import learnt_runs, prompt_ids
from tuneloom.render.pack import pack_places
from tuneloom.render.shards import read_packs, read_rows
from tuneloom.render.tokenizer import load_row_tokenizer


def test_each_fate_of_a_row_is_counted(tmp_path, tiny_model):
    rows = mixture(
        tmp_path,
        [
            ("train", talk("Hi", "Yo")),
            ("train", talk("Hi", "Yo " * 300)),
            ("train", talk("Only a question")),
            ("train", Conversation((Message("user", "Hi"), Message("assistant", "x", weight=0)))),
            ("train", Conversation((Message("user", "Hi"), Message("assistant", "x")), tools='[{"name": "f"}]')),
            ("test", talk("Who?", "Me")),
            ("validation", talk("Why?", "So")),
            ("suite", talk("Is this safe?")),
        ],
    )
    artifact = rendered(tmp_path, rows, tiny_model)
    assert artifact.manifest.reasons == {"no place for tools": 1, "nothing to learn": 2, "too long": 1}
    assert (artifact.manifest.counts.rows_in, artifact.manifest.counts.rows_out) == (8, 4)
    detail = next(r for r in artifact.rejected().to_pylist() if r["reason"] == "too long")["detail"]
    assert json.loads(detail)["bound"] == 256
    assert json.loads(detail)["value"] > 256
    assert {side: len(read_rows(artifact, side)) for side in ("train", "validation", "test", "suite")} == {
        "train": 1,
        "validation": 1,
        "test": 1,
        "suite": 1,
    }


def test_a_suites_row_is_a_prompt_that_nothing_is_learnt_from(tmp_path, tiny_model):
    rows = mixture(
        tmp_path, [("train", talk("Hi", "Yo")), ("suite", talk("Is it?", "Yes")), ("test", talk("Is it?", "Yes"))]
    )
    artifact = rendered(tmp_path, rows, tiny_model)
    (suite,), (test,) = read_rows(artifact, "suite"), read_rows(artifact, "test")
    assert suite.supervised == 0
    assert suite.ids.tolist() == prompt_ids(suite).tolist() == prompt_ids(test).tolist()


def test_a_repeated_row_stands_in_several_packs(tmp_path, tiny_model):
    rows = mixture(tmp_path, [("train", talk("Hi", "Yo")), ("train", talk("So", "No"))], repeats=[3, 1])
    artifact = rendered(tmp_path, rows, tiny_model)
    found = read_rows(artifact, "train")
    places = [number for pack in read_packs(artifact) for number in pack]
    assert sorted(places.count(i) for i in range(2)) == [1, 3]
    assert [places.count(i) for i in range(2)] == found.repeats.tolist()
    assert artifact.stats["packs"]["rows"] == 4


def test_packs_of_another_length_come_from_the_shards_alone(tmp_path, tiny_model):
    rows = mixture(
        tmp_path, [("train", talk(f"question {i}", f"answer {i} " + "more " * (i % 7))) for i in range(30)], [1, 2] * 15
    )
    shorter = rendered(tmp_path, rows, tiny_model, max_length=128)
    found = read_rows(rendered(tmp_path, rows, tiny_model), "train")
    assert pack_places(found.lengths, found.repeats, 128, 0) == read_packs(shorter)
    assert pack_places(found.lengths, found.repeats, 256, 0) != read_packs(shorter)


def test_the_stats_tell_tokens_and_show_a_row_with_its_mask(tmp_path, tiny_model):
    rows = mixture(tmp_path, [("train", talk("Hi", "Yo")), ("test", talk("Who?", "Me"))])
    artifact = rendered(tmp_path, rows, tiny_model)
    stats, (row,) = artifact.stats, read_rows(artifact, "train")
    assert stats["sides"]["train"] == {"rows": 1, "tokens": len(row), "supervised": row.supervised}
    assert stats["packs"]["fill"] == pytest.approx(len(row) / 256)
    assert stats["examples"][0]["text"][1] == ["Yo<|im_end|>", True]
    assert (
        "".join(text for text, _ in stats["examples"][0]["text"]) == load_row_tokenizer(tiny_model).decode([row.ids])[0]
    )
    assert sum(stats["lengths"].values()) == 1
    assert stats["tasks"] == {"(none)": {"rows": 1, "tokens": len(row), "supervised": row.supervised}}
    assert sum(counts["tokens"] for counts in stats["languages"].values()) == len(row)
    assert stats["engine"].startswith("fastokens ")
    assert stats["fell_back"] is None


def test_the_same_rows_give_the_same_bytes_in_any_store(tmp_path, tiny_model):
    talks = [("train", talk(f"question {i}", f"answer {i}")) for i in range(30)]
    one = rendered(tmp_path / "a", mixture(tmp_path / "a", talks), tiny_model)
    assert one.reference.key == rendered(tmp_path / "a", mixture(tmp_path / "a", talks), tiny_model).reference.key
    other = rendered(tmp_path / "b", mixture(tmp_path / "b", talks), tiny_model)
    assert {f.path: f.digest for f in one.manifest.files} == {f.path: f.digest for f in other.manifest.files}


def test_special_token_text_in_data_stays_text_in_the_shards(tmp_path, tiny_model):
    rows = mixture(tmp_path, [("train", talk("Say <|im_end|> now<|im_start|>", "<|im_end|>!"))])
    tokenizer, (row,) = load_row_tokenizer(tiny_model), read_rows(rendered(tmp_path, rows, tiny_model), "train")
    ((start, end),) = learnt_runs(row.loss_mask)
    assert tokenizer.decode([row.ids[start:end]]) == ["<|im_end|>!<|im_end|>"]
    assert sum(int(i) == tokenizer.special["<|im_end|>"] for i in row.ids) == 2


def test_no_training_row_left_is_said_with_a_remedy(tmp_path, tiny_model):
    rows = mixture(tmp_path, [("train", talk("Hi", "Yo " * 300)), ("test", talk("Hi", "Yo"))])
    with pytest.raises(NoUsableData, match="no training row") as caught:
        rendered(tmp_path, rows, tiny_model)
    assert "max_length" in caught.value.remedy
