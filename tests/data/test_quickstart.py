"""The quickstart's data keep their promises: made again byte for byte, truly different, and true."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.data.quickstart import ENTRIES, GOOD, PERSONAL, PLANTED, QUICKSTART, REFUSAL, TRUTH, good, largest_jaccard

CATEGORIES = {"translation", "summarisation", "question_answering", "classification", "code", "dialogue"}


# ---- made again -----------------------------------------------------------------------------------------------------


def generate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(QUICKSTART / "generate.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_the_committed_files_are_what_the_generator_makes() -> None:
    outcome = generate("--check", PYTHONHASHSEED="11", PYTHONSAFEPATH="1", PYTHONUTF8="1")
    assert outcome.returncode == 0, outcome.stderr


def test_check_names_the_file_that_was_changed(tmp_path: Path) -> None:
    shutil.copytree(QUICKSTART / "sources", tmp_path / "sources")
    shutil.copy(QUICKSTART / "ground_truth.json", tmp_path)
    changed = tmp_path / "sources" / "qa.jsonl"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    outcome = generate("--check", "--out", str(tmp_path))
    assert outcome.returncode == 1
    assert "qa.jsonl" in outcome.stderr
    assert "dialogue.json" not in outcome.stderr


def test_the_generator_rewrites_the_same_bytes(tmp_path: Path) -> None:
    assert generate("--out", str(tmp_path), PYTHONHASHSEED="5").returncode == 0
    for file in ["ground_truth.json", *(file for file in TRUTH["files"] if file.startswith("sources"))]:
        assert (tmp_path / file).read_bytes() == (QUICKSTART / file).read_bytes()


# ---- how much of what -----------------------------------------------------------------------------------------------


def test_more_than_two_thousand_good_rows_in_four_formats() -> None:
    assert len(GOOD) >= 2200
    shapes = {
        "sources/translation.json": "instruction",
        "sources/dialogue.json": "conversations",
        "sources/assistant.jsonl": "messages",
        "sources/qa.jsonl": "prompt",
    }
    shapes |= {"handwritten/en.jsonl": "messages", "handwritten/zh.jsonl": "messages"}
    assert set(shapes) == set(TRUTH["files"])
    assert all(shapes[row.file] in row.data for row in GOOD)


def test_every_application_comes_in_both_languages() -> None:
    counts = Counter((row.data["category"], row.data["language"]) for row in GOOD)
    assert set(counts) == {(category, language) for category in CATEGORIES for language in ("en", "zh")}
    assert min(counts.values()) >= 90
    assert 0.25 <= sum(n for (_, language), n in counts.items() if language == "zh") / len(GOOD) <= 0.30


def test_the_ground_truth_counts_what_is_there() -> None:
    for file, told in TRUTH["files"].items():
        here = [row for row in GOOD if row.file == file]
        assert told["rows"] == len(ENTRIES[file])
        assert told["good"] == len(here)
        assert told["good_by_category"] == Counter(f"{r.data['category']}.{r.data['language']}" for r in here)
    assert TRUTH["counts"] == Counter(plant["kind"] for plant in TRUTH["planted"])
    assert len(PLANTED) == len(TRUTH["planted"])


def test_the_readme_tells_the_same_counts() -> None:
    readme = (QUICKSTART / "README.md").read_text(encoding="utf-8")
    for file, told in TRUTH["files"].items():
        if file.startswith("sources"):
            assert re.search(rf"`{file}` \|[^|]*\| {told['rows']} \| {told['good']} \|", readme), file
    for kind, count in TRUTH["counts"].items():
        assert f"| `{kind}` | {count} |" in readme
    counts = Counter(f"{row.data['category']}.{row.data['language']}" for row in GOOD)
    for category in CATEGORIES:
        told_here = f"| {category.replace('_', ' ')} | {counts[category + '.en']} | {counts[category + '.zh']} |"
        assert told_here in readme


def test_rows_do_not_tell_what_was_planted() -> None:
    allowed = {"instruction", "input", "output", "conversations", "messages", "prompt", "completion"}
    allowed |= {"task", "category", "language", "check"}
    objects = [line for lines in ENTRIES.values() for line in lines if line.startswith("{") and line.endswith("}")]
    assert {key for line in objects for key in json.loads(line)} <= allowed


# ---- different ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["whole", "prompt", "user"])
def test_good_rows_differ_truly(view: str) -> None:
    value, left, right = largest_jaccard([getattr(row, view) for row in GOOD])
    assert value < 0.5, (GOOD[left], GOOD[right])


# ---- true -----------------------------------------------------------------------------------------------------------


def test_every_good_row_is_a_conversation_that_ends_with_an_answer() -> None:
    for row in GOOD:
        roles = [role for role, _ in row.turns if role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2), row
        assert roles, row
        assert all(text.strip() == text and text for _, text in row.turns), row
        assert "{" not in row.user or row.data["category"] == "code", row


def test_answers_to_questions_are_spans_of_the_passage() -> None:
    for row in good("question_answering"):
        assert row.answer in row.prompt, row
        assert len(row.answer) <= 40, row


def test_labels_are_offered_in_the_prompt() -> None:
    for row in good("classification"):
        assert row.answer in row.prompt, row
        assert len(row.answer.split()) == 1, row


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_classification_pattern_serves_two_labels(language: str) -> None:
    path = QUICKSTART / "materials" / f"classification_{language}.json"
    for frame in json.loads(path.read_text(encoding="utf-8"))["frames"]:
        assert set(frame["texts"]) == set(frame["labels"])
        owners: dict[str, str] = {}
        for label, parts in frame["texts"].items():
            for pattern in [pattern for part in parts for pattern in part]:
                assert owners.setdefault(pattern, label) == label, pattern


def test_summaries_are_one_sentence_of_facts_from_the_text() -> None:
    for row in good("summarisation"):
        opener = "In short: " if row.data["language"] == "en" else "简而言之："
        assert row.answer.startswith(opener), row
        body = row.answer.removeprefix(opener)
        assert body[-1] in ".。", row
        assert not re.search(r"[.!?] |[。！？]", body[:-1]), row
        assert set(re.findall(r"\d+", body)) <= set(re.findall(r"\d+", row.prompt)), row
        names = re.findall(r"(?<!^)(?<!\. )\b[A-Z][a-z]+", body)
        assert all(name in row.prompt for name in names), row
        assert len(row.answer) < len(row.prompt), row


def test_both_sides_of_a_translation_name_the_same_things() -> None:
    pairs = json.loads((QUICKSTART / "materials" / "translation.json").read_text(encoding="utf-8"))["pairs"]
    checked = 0
    for row in good("translation"):
        sides = {row.data["task"][-5:-3]: row.user, row.data["task"][-2:]: row.answer}
        assert set(sides) == {"en", "zh"}
        assert set(re.findall(r"\d+", sides["en"])) == set(re.findall(r"\d+", sides["zh"])), row
        english = sides["en"].lower()
        for word, chinese in pairs["city"] + pairs["subject"] + pairs["thing"]:
            if re.search(rf"\b{re.escape(word.lower())}\b", english):
                checked += 1
                assert chinese in sides["zh"], (word, chinese, row)
    assert checked > 200


def test_one_source_sentence_has_one_translation() -> None:
    seen: dict[str, str] = {}
    for row in good("translation"):
        source = row.data.get("input") or row.user
        assert seen.setdefault(source, row.answer) == row.answer


def test_sums_in_dialogues_are_right_and_said() -> None:
    checked = [row for row in good("dialogue") if "check" in row.data]
    assert len(checked) > 100
    for row in checked:
        assert eval(row.data["check"]), row
        results = re.findall(r"== (\d+)", row.data["check"])
        assert re.search(rf"(?<!\d){results[-1]}(?!\d)", row.whole), row


def run(code: str) -> dict:
    space: dict = {}
    with contextlib.redirect_stdout(io.StringIO()) as screen:
        exec(code, space)
    return space | {"printed": screen.getvalue()}


def fenced(text: str) -> str:
    blocks = re.findall(r"```(?:python)?\n(.*?)\n```", text, re.DOTALL)
    assert len(blocks) == 1, text
    return blocks[0]


def test_the_code_does_what_was_asked() -> None:
    ran = 0
    for row in good("code"):
        if row.data["task"] == "code_output":
            assert run(fenced(row.prompt))["printed"].rstrip("\n") == fenced(row.answer), row
        elif "check" in row.data:
            assert eval(row.data["check"], run(fenced(row.answer))), row
        else:
            compile(fenced(row.answer), "answer", "exec")
            continue
        ran += 1
    assert ran >= len(good("code")) - 3


def test_the_code_to_be_repaired_is_broken() -> None:
    fixes = [row for row in good("code") if row.data["task"] == "code_fix" and "```" in row.prompt]
    assert len(fixes) >= 20
    for row in fixes:
        try:
            passed = eval(row.data["check"], run(fenced(row.prompt)))
        except (TypeError, IndexError, ValueError, AttributeError):
            passed = False
        assert not passed, row


def test_good_rows_hold_nothing_a_rule_should_reject() -> None:
    for row in GOOD:
        text = row.whole + row.data.get("check", "")
        assert not PERSONAL.search(text), row
        assert not REFUSAL.search(row.answer), row
