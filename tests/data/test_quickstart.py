"""The quickstart's data keep their promises: made again byte for byte, truly different, true, and honestly marked."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

QUICKSTART = Path(__file__).resolve().parents[2] / "data" / "quickstart"
TRUTH = json.loads((QUICKSTART / "ground_truth.json").read_text(encoding="utf-8"))
CATEGORIES = {"translation", "summarisation", "question_answering", "classification", "code", "dialogue"}
ROLES = {"human": "user", "gpt": "assistant", "system": "system", "user": "user", "assistant": "assistant"}
REFUSAL = re.compile(r"language model|I'm sorry|I cannot|Sorry, I can't|抱歉|对不起|语言模型|无法回答", re.IGNORECASE)
PERSONAL = re.compile(r"@|\d{7,}|\d{1,3}(\.\d{1,3}){3}|\d{4} \d{4} \d{4}|\(\d{3}\) \d{3}-\d{4}|sk-\w{20}")


@dataclass(frozen=True)
class Row:
    file: str
    number: int
    data: dict
    turns: tuple[tuple[str, str], ...]

    @property
    def prompt(self) -> str:
        return "\n".join(text for role, text in self.turns if role != "assistant")

    @property
    def user(self) -> str:
        return "\n".join(text for role, text in self.turns if role == "user")

    @property
    def answer(self) -> str:
        return self.turns[-1][1]

    @property
    def whole(self) -> str:
        return "\n".join(text for _, text in self.turns)


def raw_entries(file: str) -> list[str]:
    text = (QUICKSTART / file).read_text(encoding="utf-8")
    if file.endswith(".jsonl"):
        return text.splitlines()
    return [json.dumps(entry, ensure_ascii=False) for entry in json.loads(text)]


def turns_of(data: dict) -> tuple[tuple[str, str], ...]:
    if "messages" in data:
        return tuple((ROLES[m["role"]], m["content"]) for m in data["messages"])
    if "conversations" in data:
        return tuple((ROLES[t["from"]], t["value"]) for t in data["conversations"])
    if "instruction" in data:
        asked = "\n\n".join(part for part in (data["instruction"], data["input"]) if part)
        return ("user", asked), ("assistant", data["output"])
    return ("user", data["prompt"]), ("assistant", data["completion"])


ENTRIES = {file: raw_entries(file) for file in TRUTH["files"]}
PLANTED = {(plant["file"], plant["row"]): plant for plant in TRUTH["planted"]}


def row_at(file: str, number: int) -> Row:
    data = json.loads(ENTRIES[file][number])
    return Row(file, number, data, turns_of(data))


GOOD = [
    row_at(file, number)
    for file, lines in ENTRIES.items()
    for number in range(len(lines))
    if (file, number) not in PLANTED
]


def planted(kind: str) -> list[dict]:
    return [plant for plant in TRUTH["planted"] if plant["kind"] == kind]


def good(category: str) -> list[Row]:
    return [row for row in GOOD if row.data["category"] == category]


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Five words, or five characters where the text is Chinese: written again here so that no mistake is shared."""
    units = re.findall(r"[\u4e00-\u9fff]|[a-z0-9_]+", text.lower())
    return frozenset(tuple(units[i : i + 5]) for i in range(max(1, len(units) - 4)))


def largest_jaccard(texts: list[str]) -> tuple[float, int, int]:
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    sizes: list[int] = []
    largest = (0.0, 0, 0)
    for number, text in enumerate(texts):
        cut = shingles(text)
        shared = Counter(other for shingle in cut for other in holders.get(shingle, ()))
        for other, common in shared.items():
            largest = max(largest, (common / (len(cut) + sizes[other] - common), other, number))
        for shingle in cut:
            holders[shingle].append(number)
        sizes.append(len(cut))
    return largest


def jaccard(left: str, right: str) -> float:
    a, b = shingles(left), shingles(right)
    return len(a & b) / len(a | b)


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


def test_rows_planted_for_their_content_are_no_duplicates_as_well() -> None:
    kinds = ("personal_data", "refusal")
    defects = [row_at(plant["file"], plant["row"]) for kind in kinds for plant in planted(kind)]
    value, left, right = largest_jaccard([row.user for row in GOOD + defects])
    assert value < 0.5, ((GOOD + defects)[left], (GOOD + defects)[right])


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


# ---- planted --------------------------------------------------------------------------------------------------------


def test_exact_duplicates_repeat_the_words_of_their_twin_across_formats_too() -> None:
    plants = planted("exact_duplicate")
    for plant in plants:
        assert row_at(plant["file"], plant["row"]).turns == row_at(**_place(plant["twin"])).turns
        assert (plant["twin"]["file"], plant["twin"]["row"]) not in PLANTED
    assert sum(plant["file"] != plant["twin"]["file"] for plant in plants) >= 15
    assert len(plants) == 40


def test_near_duplicates_resemble_their_twin_without_being_equal() -> None:
    plants = planted("near_duplicate")
    languages = Counter()
    for plant in plants:
        row, twin = row_at(plant["file"], plant["row"]), row_at(**_place(plant["twin"]))
        assert row.turns != twin.turns
        assert jaccard(row.prompt, twin.prompt) >= 0.85, (row, twin)
        assert jaccard(row.whole, twin.whole) >= 0.85, (row, twin)
        assert row.answer.lower().rstrip(".。") == twin.answer.lower().rstrip(".。")
        languages[row.data["language"]] += 1
    assert len(plants) == 40
    assert min(languages["en"], languages["zh"]) >= 10


def test_no_twin_is_repeated_twice() -> None:
    twins = Counter((p["twin"]["file"], p["twin"]["row"]) for p in TRUTH["planted"] if p["twin"])
    assert max(twins.values()) == 1


def test_a_planted_copy_in_its_twins_file_comes_later() -> None:
    same = [p for p in TRUTH["planted"] if p["twin"] and p["twin"]["file"] == p["file"]]
    assert same
    assert all(p["row"] > p["twin"]["row"] for p in same)


def test_empty_answers_are_empty_in_four_ways() -> None:
    found = Counter()
    for plant in planted("empty_answer"):
        data = json.loads(ENTRIES[plant["file"]][plant["row"]])
        last = data["messages"][-1] if "messages" in data else data
        last = data["conversations"][-1] if "conversations" in data else last
        values = [last[key] for key in ("content", "value", "output", "completion") if key in last]
        found[repr(values)] += 1
        assert not any(value and value.strip() for value in values)
    assert set(found) == {"['']", "[' \\n ']", "[None]", "[]"}


def test_broken_rows_cannot_be_read_as_conversations() -> None:
    for plant in planted("broken_row"):
        line = ENTRIES[plant["file"]][plant["row"]]
        with pytest.raises((ValueError, TypeError, KeyError, AttributeError, IndexError)):
            _conversation_with_a_question(json.loads(line))


def test_personal_data_is_there_and_its_checksums_hold() -> None:
    text = ""
    for plant in planted("personal_data"):
        row = row_at(plant["file"], plant["row"])
        assert PERSONAL.search(row.whole), row
        text += row.whole + "\n"
    cards = re.findall(r"(?:\d{4} ){3}\d{4}", text)
    identities = re.findall(r"(?<!\d)\d{17}[\dX]", text)
    assert len(cards) >= 2
    assert all(_luhn(card.replace(" ", "")) for card in cards)
    assert len(identities) >= 2
    assert all(_resident_checksum(identity) for identity in identities)
    for what in (r"\w@\w", r"(?<!\d)1[3-9]\d{9}(?!\d)", r"\+1 \(\d{3}\) 555-01\d\d", r"203\.0\.113\.\d+", r"sk-\w{36}"):
        assert re.search(what, text), what


def test_refusals_turn_down_a_harmless_request() -> None:
    rows = [row_at(plant["file"], plant["row"]) for plant in planted("refusal")]
    assert all(re.search(REFUSAL.pattern + "|fulfil|不能提供|无法处理", row.answer) for row in rows)
    assert {row.data["language"] for row in rows} == {"en", "zh"}


def _place(twin: dict) -> dict:
    return {"file": twin["file"], "number": twin["row"]}


def _conversation_with_a_question(data: dict) -> int:
    return [role for role, _ in turns_of(data)].index("user")


def _luhn(number: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _resident_checksum(number: str) -> bool:
    return sum((10 if d == "X" else int(d)) * pow(2, 17 - i, 11) for i, d in enumerate(number)) % 11 == 1
