"""Real public data, every file: the right format, and counts and contents found by independent means."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.tuneloom.ingest.built import ingested, rows, turns
from tuneloom.artifacts import Artifact

_ALPACA = {
    "alpaca/alpaca_en_demo.json": {}, "zh/alpaca_zh_demo.json": {},
    "code/code_alpaca_2k.json": {"empty answer": 2}, "gpteacher/roleplay.json": {},
}  # fmt: skip
_SELF_INSTRUCT = (
    "self_instruct/seed_tasks.jsonl",
    "self_instruct/user_oriented_instructions.jsonl",
    "zh/belle_zh_seed_tasks.json",
)
_MESSAGES = ("messages/reason_tool_use_demo_50.jsonl", "messages/v1_sft_demo.jsonl")
_FLAN_COT = ("flan_cot/creak_train.tsv", "flan_cot/ecqa_train.tsv", "flan_cot/strategyqa_train.tsv")


def _json(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text("utf-8"))


def _jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _check(artifact: Artifact, format: str, rows_in: int, kept: int, made: int = 0) -> None:
    counts = artifact.manifest.counts
    assert artifact.stats["format"] == format
    assert artifact.stats["confidence"] == 1
    assert (counts.rows_in, counts.made, counts.rows_out) == (rows_in, made, kept)


def test_no_file_is_left_out(realdata: Path) -> None:
    """A new file in the folder needs a line in this one."""
    here = {str(path.relative_to(realdata)) for path in realdata.rglob("*") if path.is_file()}
    families = {name for name in here if name.startswith(("t0/", "natural_instructions/"))}
    assert here - families - {"README.md"} == {
        *_ALPACA, *_SELF_INSTRUCT, *_MESSAGES, *_FLAN_COT, "gsm8k/train.jsonl", "safety/xstest_prompts.csv",
        "sharegpt/glaive_toolcall_en_demo.json", "sharegpt/dummy_conversation.json",
        "preference/dpo_en_demo.json", "preference/kto_en_demo.json",
        "mt_bench/question.jsonl", "mt_bench/reference_answer_gpt-4.jsonl",
    }  # fmt: skip


@pytest.mark.parametrize("name", _ALPACA)
def test_alpaca_files(realdata: Path, tmp_path: Path, name: str) -> None:
    source = _json(realdata / name)
    answered = [row for row in source if row["output"].strip() and row["instruction"].strip()]
    artifact = ingested(realdata / name, store=tmp_path)
    _check(artifact, "alpaca", len(source), len(answered))
    assert artifact.manifest.reasons == _ALPACA[name]
    assert [row["messages"][-1]["content"] for row in rows(artifact)] == [row["output"] for row in answered]
    language = "zh" if name.startswith("zh/") else "en"
    assert artifact.stats["languages"][language] > 0.95 * len(answered)


@pytest.mark.parametrize("name", _SELF_INSTRUCT)
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
    assert sum(row["tools"] is not None for row in rows(artifact)) == sum(row["tools"] != "[]" for row in _json(path))


def test_sharegpt_dialogues(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "sharegpt/dummy_conversation.json"
    artifact = ingested(path, store=tmp_path, language="en")
    _check(artifact, "sharegpt", 500, 500)
    said = [[turn["value"] for turn in row["conversations"]] for row in _json(path)]
    assert [[content for _, content in turns(row)] for row in rows(artifact)] == said


@pytest.mark.parametrize("name", _MESSAGES)
def test_messages_in_typed_parts(realdata: Path, tmp_path: Path, name: str) -> None:
    source = _jsonl(realdata / name)
    artifact = ingested(realdata / name, store=tmp_path, language="en")
    _check(artifact, "messages", len(source), len(source))
    parts = Counter(p["type"] for r in source for m in r["messages"] for p in m["content"])
    found = [message for row in rows(artifact) for message in row["messages"]]
    assert sum(bool(message["reasoning"]) for message in found) == parts["reasoning"]
    assert sum(len(json.loads(m["tool_calls"])) for m in found if m["tool_calls"]) == parts["tool_call"]


def test_gsm8k(realdata: Path, tmp_path: Path) -> None:
    source = _jsonl(realdata / "gsm8k/train.jsonl")
    artifact = ingested(realdata / "gsm8k/train.jsonl", store=tmp_path, language="en")
    _check(artifact, "question_answer", len(source), len(source))
    assert [turns(row) for row in rows(artifact)] == [
        [("user", row["question"]), ("assistant", row["answer"])] for row in source
    ]


def _check_task(path: Path, store: Path) -> int:
    """One Super-NI file; how many of its instances have several references."""
    task = _json(path)
    count = len(task["Instances"])
    artifact = ingested(path, store=store)
    _check(artifact, "super_ni", 1, count, made=count - 1)
    found = rows(artifact)
    accepted = [list(dict.fromkeys(instance["output"])) for instance in task["Instances"]]
    assert [row["references"] for row in found] == accepted
    assert [row["messages"][-1]["content"] for row in found] == [outputs[0] for outputs in accepted]
    assert [dict(row["fields"]).get("input", "") for row in found] == [
        instance["input"] if instance["input"].strip() else "" for instance in task["Instances"]
    ]
    labels = {(row["task"], row["category"], row["language"]) for row in found}
    assert labels == {(path.stem, task["Categories"][0], "en")}
    licences = [name for name in task["Instance License"] if name != "Unknown"]
    assert {row["license"] for row in found} == {" and ".join(licences) or None}
    shown = [*task["Positive Examples"], *task["Negative Examples"]]
    meta = json.loads(found[0]["meta"])
    assert [(e["input"], e["output"], w) for e, w in zip(found[0]["examples"], meta["explanations"], strict=True)] == [
        (example["input"], example["output"], example["explanation"]) for example in shown
    ]
    assert {len(row["examples"]) for row in found} == {len(shown)}
    assert meta["id"] == task["Instances"][0]["id"]
    return sum(len(instance["output"]) > 1 for instance in task["Instances"])


def test_super_natural_instructions(realdata: Path, tmp_path: Path) -> None:
    paths = sorted((realdata / "natural_instructions").glob("*.json"))
    assert len(paths) == 58
    assert sum(_check_task(path, tmp_path) for path in paths) == 287


@pytest.mark.parametrize("name", _FLAN_COT)
def test_chain_of_thought_tables_without_names(realdata: Path, tmp_path: Path, name: str) -> None:
    cells = [line.split("\t") for line in (realdata / name).read_text("utf-8").split("\n") if line]
    artifact = ingested(realdata / name, store=tmp_path, language="en")
    _check(artifact, "numbered", len(cells), len(cells))
    found = rows(artifact)
    assert [turns(row)[0][1] for row in found] == [asked.replace("\\n", "\n") for asked, _, _ in cells]
    assert [row["references"] for row in found] == [[answer] for _, answer, _ in cells]
    assert [turns(row)[1][1] for row in found] == [f"{why}\n\n{answer}" for _, answer, why in cells]
    assert [dict(row["fields"])["rationale"] for row in found] == [why for _, _, why in cells]
    escaped = sum(any("\\n" in cell for cell in row) for row in cells)
    assert artifact.stats["repairs"].get("line breaks unescaped", 0) == escaped
    assert {row["task"] for row in found} == {Path(name).stem}


def test_preference_pairs(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "preference/dpo_en_demo.json"
    source = _json(path)
    artifact = ingested(path, store=tmp_path, language="en")
    _check(artifact, "preference", 300, 300)
    said = [[turn["value"] for turn in (*row["conversations"], row["chosen"])] for row in source]
    found = rows(artifact)
    assert [[content for _, content in turns(row)] for row in found] == said
    pairs = [json.loads(row["meta"]) for row in found]
    assert pairs == [{"chosen": row["chosen"], "rejected": row["rejected"]} for row in source]


def test_answers_labelled_good_or_bad(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "preference/kto_en_demo.json"
    source = _json(path)
    good = [row for row in source if row["label"]]
    artifact = ingested(path, store=tmp_path, language="en")
    _check(artifact, "preference", len(source), len(good))
    assert artifact.manifest.reasons == {"labelled bad": len(source) - len(good)}
    assert [turns(row) for row in rows(artifact)] == [
        [(turn["role"], turn["content"]) for turn in row["messages"]] for row in good
    ]


@pytest.mark.parametrize("use", ["evaluate", "decontaminate"])
def test_mt_bench_questions(realdata: Path, tmp_path: Path, use: str) -> None:
    path = realdata / "mt_bench/question.jsonl"
    source = _jsonl(path)
    artifact = ingested(path, store=tmp_path, language="en", use=use)
    _check(artifact, "prompt_only", 80, 80)
    found = rows(artifact)
    assert [turns(row) for row in found] == [[("user", asked) for asked in row["turns"]] for row in source]
    assert [row["category"] for row in found] == [row["category"] for row in source]
    last = [row.get("reference", [])[-1:] for row in source]
    assert [row["references"] for row in found] == [[text for text in accepted if text] for accepted in last]
    assert [json.loads(row["meta"]).get("reference") for row in found] == [row.get("reference") for row in source]
    assert {row["use"] for row in found} == {use}


def test_mt_bench_reference_answers(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "mt_bench/reference_answer_gpt-4.jsonl"
    source = _jsonl(path)
    artifact = ingested(path, store=tmp_path, language="en", use="decontaminate")
    _check(artifact, "reference_answers", 30, 30)
    found = rows(artifact)
    assert [[content for _, content in turns(row)] for row in found] == [row["choices"][0]["turns"] for row in source]
    assert [json.loads(row["meta"])["question_id"] for row in found] == [row["question_id"] for row in source]


def test_xstest(realdata: Path, tmp_path: Path) -> None:
    path = realdata / "safety/xstest_prompts.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        source = list(csv.DictReader(stream))
    artifact = ingested(path, store=tmp_path, language="en", use="evaluate")
    _check(artifact, "prompt_only", 450, 450)
    found = rows(artifact)
    assert [turns(row) for row in found] == [[("user", row["prompt"])] for row in source]
    for name in ("id", "type", "label", "focus", "note"):
        assert [json.loads(row["meta"])[name] for row in found] == [row[name] for row in source]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mt_bench/question.jsonl", "no answer"),
        ("mt_bench/reference_answer_gpt-4.jsonl", "no prompt"),
        ("safety/xstest_prompts.csv", "no answer"),
    ],
)
def test_what_has_no_answer_or_no_prompt_never_trains(realdata: Path, tmp_path: Path, name: str, reason: str) -> None:
    artifact = ingested(realdata / name, store=tmp_path)
    assert artifact.manifest.counts.rows_out == 0
    assert set(artifact.manifest.reasons) == {reason}


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
