"""Which files of a folder that `datasets` wrote hold rows."""

import json

from tuneloom.ingest.dataset_folders import data_files


def taken(files: dict[str, object]) -> list[str]:
    return data_files(files, lambda name: json.dumps(files[name]).encode())


def state(*names: str) -> dict[str, object]:
    return {"_data_files": [{"filename": name} for name in names], "_split": None}


def test_only_the_listed_shards_are_data() -> None:
    files = {"state.json": state("data-0.arrow"), "data-0.arrow": 0, "cache-1.arrow": 0, "dataset_info.json": {}}
    assert taken(files) == ["data-0.arrow"]


def test_only_the_splits_of_a_dict_are_data() -> None:
    files = {
        "d/dataset_dict.json": {"splits": ["train"]},
        "d/train/state.json": state("data-0.arrow"),
        "d/train/data-0.arrow": 0,
        "d/old/state.json": state("data-0.arrow"),
        "d/old/data-0.arrow": 0,
        "beside.jsonl": 0,
    }
    assert taken(files) == ["beside.jsonl", "d/train/data-0.arrow"]


def test_a_listed_shard_that_is_missing_is_named() -> None:
    assert taken({"state.json": state("data-0.arrow", "data-1.arrow"), "data-0.arrow": 0}) == [
        "data-0.arrow",
        "data-1.arrow",
    ]


def test_what_the_librarys_cache_keeps_beside_its_tables_is_no_data() -> None:
    assert taken({"dataset_info.json": {}, "x-train.arrow": 0, "cache-ab.arrow": 0}) == ["x-train.arrow"]


def test_files_of_these_names_that_are_somebody_elses_are_data() -> None:
    for content in ([{"state": "Ohio"}], {"_data_files": "x"}, {"splits": 1}, "text"):
        files = {"state.json": content, "dataset_dict.json": content, "cache-a.arrow": 0, "a.jsonl": 0}
        assert taken(files) == sorted(files)
