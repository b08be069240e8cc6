"""Labels: the row's own word first, then the format's, the source's, detection."""

import pytest

from tuneloom.config import Source
from tuneloom.ingest.describe import file_task, own_labels, with_detected, with_labels
from tuneloom.ingest.row import Row
from tuneloom.ingest.turns import exchange
from tuneloom.records import Conversation

_ENGLISH = Conversation(exchange("What is the capital of France, and why is it there?", "The capital is Paris."))
_CHINESE = Conversation(exchange("法国的首都是哪里？请简要说明原因。", "法国的首都是巴黎。"))


def test_own_labels_are_claimed_and_strange_ones_stay_in_meta() -> None:
    row = Row({"task": "sum", "category": ["a"], "language": "Chinese", "kind": "poem", "x": 1})
    assert own_labels(row) == {"task": "sum", "category": None, "license": None, "language": "zh", "kind": None}
    assert row.rest() == {"category": ["a"], "kind": "poem", "x": 1}


def test_a_language_name_nobody_knows_is_not_lost() -> None:
    row = Row({"language": "Klingonese"})
    assert own_labels(row)["language"] is None
    assert row.rest() == {"language": "Klingonese"}


def test_the_rows_own_word_beats_the_source_and_the_source_beats_detection() -> None:
    source = Source(name="s", path="p", language="fr", license="MIT")
    own = with_labels(_ENGLISH, own_labels(Row({"language": "zh", "license": "CC0"})), {}, source, None)
    (labelled,) = with_detected([own])
    assert (labelled.language, labelled.license) == ("zh", "CC0")
    (labelled,) = with_detected([with_labels(_ENGLISH, own_labels(Row({})), {}, source, None)])
    assert (labelled.language, labelled.license) == ("fr", "MIT")


def test_the_files_name_is_the_task_where_nobody_says() -> None:
    source = Source(name="s", path="p")
    assert with_labels(_ENGLISH, own_labels(Row({"task": "sum"})), {}, source, "file").task == "sum"
    assert with_labels(_ENGLISH.but(task="qa"), own_labels(Row({})), {}, source, "file").task == "qa"
    assert with_labels(_ENGLISH, own_labels(Row({})), {}, source, "file").task == "file"


def test_language_and_kind_are_detected_where_nobody_says() -> None:
    found = with_detected([_ENGLISH, _CHINESE, _ENGLISH.but(language="fr"), _CHINESE.but(kind="code")])
    assert [row.language for row in found] == ["en", "zh", "fr", "zh"]
    assert [row.kind for row in found] == ["natural", "natural", "natural", "code"]


def test_meta_of_the_row_and_of_the_instance_are_joined() -> None:
    one = Conversation(_ENGLISH.messages, meta={"id": "i1"})
    labelled = with_labels(one, own_labels(Row({})), {"url": "u"}, Source(name="s", path="p"), None)
    assert labelled.meta == {"url": "u", "id": "i1"}


@pytest.mark.parametrize(
    ("file", "task"),
    [
        ("t0/ag_news_recommend.jsonl.gz", "ag_news_recommend"),
        ("task001_quoref.json", "task001_quoref"),
        ("rte/train-00000-of-00002.parquet", "rte"),
        ("rte/train-00001-of-00002.parquet", "rte"),
        ("rte/data/test-00000-of-00001-a1b2c3.parquet", "rte"),
        ("rte_yes_no/part-00003-5f2e.c000.snappy.parquet", "rte_yes_no"),
        ("cot.jsonl-00000-of-00010", "cot"),
        ("flan-00000-of-00010.jsonl.gz", "flan"),
        ("train-00000-of-00002.parquet", None),
        ("data/train.jsonl", None),
        ("one-of-two.jsonl", "one-of-two"),
    ],
)
def test_a_files_task_is_its_name_without_splits_and_shards(file: str, task: str | None) -> None:
    assert file_task(file) == task
