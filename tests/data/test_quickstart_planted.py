"""Each planted defect of the quickstart is where the ground truth says, and is what it says."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from tests.data.quickstart import (
    ENTRIES,
    GOOD,
    PERSONAL,
    PLANTED,
    REFUSAL,
    TRUTH,
    jaccard,
    largest_jaccard,
    planted,
    row_at,
    turns_of,
    twin_of,
)


def test_rows_planted_for_their_content_are_no_duplicates_as_well() -> None:
    kinds = ("personal_data", "refusal")
    defects = [row_at(plant["file"], plant["row"]) for kind in kinds for plant in planted(kind)]
    value, left, right = largest_jaccard([row.user for row in GOOD + defects])
    assert value < 0.5, ((GOOD + defects)[left], (GOOD + defects)[right])


def test_exact_duplicates_repeat_the_words_of_their_twin_across_formats_too() -> None:
    plants = planted("exact_duplicate")
    for plant in plants:
        assert row_at(plant["file"], plant["row"]).turns == twin_of(plant).turns
        assert (plant["twin"]["file"], plant["twin"]["row"]) not in PLANTED
    assert sum(plant["file"] != plant["twin"]["file"] for plant in plants) >= 15
    assert len(plants) == 40


def test_near_duplicates_resemble_their_twin_without_being_equal() -> None:
    plants = planted("near_duplicate")
    languages = Counter()
    for plant in plants:
        row, twin = row_at(plant["file"], plant["row"]), twin_of(plant)
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


def _conversation_with_a_question(data: dict) -> int:
    return [role for role, _ in turns_of(data)].index("user")


def _luhn(number: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _resident_checksum(number: str) -> bool:
    return sum((10 if d == "X" else int(d)) * pow(2, 17 - i, 11) for i, d in enumerate(number)) % 11 == 1
