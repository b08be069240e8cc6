"""What the quickstart's tests share: its rows as (role, text) turns, and how alike two texts are."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

QUICKSTART = Path(__file__).resolve().parents[2] / "data" / "quickstart"
TRUTH = json.loads((QUICKSTART / "ground_truth.json").read_text(encoding="utf-8"))
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


def twin_of(plant: dict) -> Row:
    return row_at(plant["twin"]["file"], plant["twin"]["row"])
