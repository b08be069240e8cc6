"""Real public data, every family that is supported: the right format, and counts found by independent means."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.tuneloom.ingest.built import ingested, rows, turns
from tuneloom.artifacts import Artifact


def _json(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text("utf-8"))


def _jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _check(artifact: Artifact, format: str, rows_in: int, kept: int, made: int = 0) -> None:
    counts = artifact.manifest.counts
    assert artifact.stats["format"] == format
    assert artifact.stats["confidence"] == 1
    assert (counts.rows_in, counts.made, counts.rows_out) == (rows_in, made, kept)


@pytest.mark.parametrize(
    "name",
    ["alpaca/alpaca_en_demo.json", "zh/alpaca_zh_demo.json", "code/code_alpaca_2k.json", "gpteacher/roleplay.json"],
)
def test_alpaca_files(realdata: Path, tmp_path: Path, name: str) -> None:
    source = _json(realdata / name)
    answered = [row for row in source if row["output"].strip() and row["instruction"].strip()]
    artifact = ingested(realdata / name, store=tmp_path)
    _check(artifact, "alpaca", len(source), len(answered))
    assert artifact.manifest.reasons == ({"empty answer": 2} if name.startswith("code/") else {})
    assert [row["messages"][-1]["content"] for row in rows(artifact)] == [row["output"] for row in answered]
    language = "zh" if name.startswith("zh/") else "en"
    assert artifact.stats["languages"][language] > 0.95 * len(answered)


@pytest.mark.parametrize(
    "name",
    ["self_instruct/seed_tasks.jsonl", "self_instruct/user_oriented_instructions.jsonl", "zh/belle_zh_seed_tasks.json"],
)
def test_self_instruct_files_even_under_another_ending(realdata: Path, tmp_path: Path, name: str) -> None:
    source = _jsonl(realdata / name)
    instances = [instance for row in source for instance in row["instances"]]
    artifact = ingested(realdata / name, store=tmp_path)
    _check(artifact, "self_instruct", len(source), len(instances), made=len(instances) - len(source))
    assert {row["task"] for row in rows(artifact)} == {row.get("name") for row in source}


def test_sharegpt_with_tool_calls(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "sharegpt/glaive_toolcall_en_demo.json"
    artifact = ingested(path, store=tmp_path, language="en")
    _check(artifact, "sharegpt", 300, 300)
    spoken = Counter(turn["from"] for row in _json(path) for turn in row["conversations"])
    found = [message for row in rows(artifact) for message in row["messages"]]
    assert sum(message["tool_calls"] is not None for message in found) == spoken["function_call"]
    assert sum(message["role"] == "tool" for message in found) == spoken["observation"]
    assert all(json.loads(message["tool_calls"])[0]["name"] for message in found if message["tool_calls"])


def test_sharegpt_dialogues(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "sharegpt/dummy_conversation.json"
    artifact = ingested(path, store=tmp_path, language="en")
    _check(artifact, "sharegpt", 500, 500)
    said = [[turn["value"] for turn in row["conversations"]] for row in _json(path)]
    assert [[content for _, content in turns(row)] for row in rows(artifact)] == said


@pytest.mark.parametrize(("name", "count"), [("reason_tool_use_demo_50.jsonl", 50), ("v1_sft_demo.jsonl", 500)])
def test_messages_in_typed_parts(realdata: Path, tmp_path: Path, name: str, count: int) -> None:
    artifact = ingested(realdata / "messages" / name, store=tmp_path)
    _check(artifact, "messages", count, count)
    parts = Counter(
        p["type"] for r in _jsonl(realdata / "messages" / name) for m in r["messages"] for p in m["content"]
    )
    found = [message for row in rows(artifact) for message in row["messages"]]
    assert sum(bool(message["reasoning"]) for message in found) == parts["reasoning"]
    assert sum(len(json.loads(m["tool_calls"])) for m in found if m["tool_calls"]) == parts["tool_call"]


def test_gsm8k(realdata: Path, tmp_path: Path) -> None:
    source = _jsonl(realdata / "gsm8k/train.jsonl")
    artifact = ingested(realdata / "gsm8k/train.jsonl", store=tmp_path, limit=1_000)
    _check(artifact, "question_answer", 1_000, 1_000)
    assert [turns(row) for row in rows(artifact)] == [
        [("user", row["question"]), ("assistant", row["answer"])] for row in source[:1_000]
    ]


def test_super_natural_instructions(realdata: Path, tmp_path: Path) -> None:
    several = 0
    for path in sorted((realdata / "natural_instructions").glob("task1*.json")):
        task = json.loads(path.read_text("utf-8"))
        count = len(task["Instances"])
        artifact = ingested(path, store=tmp_path)
        _check(artifact, "super_ni", 1, count, made=count - 1)
        found = rows(artifact)
        assert [row["references"] for row in found] == [list(dict.fromkeys(i["output"])) for i in task["Instances"]]
        assert {row["task"] for row in found} == {path.stem}
        assert {row["category"] for row in found} == {task["Categories"][0]}
        assert {row["language"] for row in found} == {"en"}
        shown = len(task["Positive Examples"]) + len(task["Negative Examples"])
        assert {len(row["examples"]) for row in found} == {shown}
        several += sum(len(row["references"]) > 1 for row in found)
    assert several > 0


@pytest.mark.parametrize(
    "name",
    [
        "preference/dpo_en_demo.json",
        "preference/kto_en_demo.json",
        "mt_bench/question.jsonl",
        "safety/xstest_prompts.csv",
    ],
)
def test_what_is_not_supported_yet_is_never_misread(realdata: Path, tmp_path: Path, name: str) -> None:
    artifact = ingested(realdata / name, store=tmp_path)
    assert artifact.manifest.counts.rows_out == 0
    assert set(artifact.manifest.reasons) == {"unknown format"}


@pytest.mark.parametrize("name", ["creak", "ecqa", "strategyqa"])
def test_tables_without_names_by_their_numbers(realdata: Path, tmp_path: Path, name: str) -> None:
    path = realdata / f"flan_cot/{name}_train.tsv"
    lines = path.read_text("utf-8").rstrip("\n").split("\n")
    artifact = ingested(path, store=tmp_path, columns={"prompt": "1", "completion": "2"}, limit=1_000, language="en")
    _check(artifact, "prompt_completion", 1_000, 1_000)
    assert [row["messages"][1]["content"] for row in rows(artifact)] == [line.split("\t")[1] for line in lines[:1_000]]


@pytest.mark.slow
def test_all_of_t0(realdata: Path, tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for path in sorted((realdata / "t0").glob("*.jsonl")):
        source = _jsonl(path)
        answered = [row for row in source if row["completion"].replace("<|endoftext|>", "").strip()]
        artifact = ingested(path, store=tmp_path, language="en")
        counts = artifact.manifest.counts
        assert (counts.rows_in, counts.rows_out) == (len(source), len(answered))
        assert artifact.stats["format"] == ("prompt_completion" if source else None)
        found = rows(artifact)
        assert {row["task"] for row in found} <= {path.stem}
        assert [row["messages"][1]["content"] for row in found] == [
            row["completion"].removesuffix("<|endoftext|>") for row in answered
        ]
        total.update(files=1, empty=not source, rows=len(source), kept=len(answered), **artifact.manifest.reasons)
    assert total == {"files": 188, "empty": 7, "rows": 35_278, "kept": 34_278, "empty answer": 1_000}
