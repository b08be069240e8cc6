"""Fills sentence patterns with drawn facts. Patterns and words lie in `materials/*.json`: more rows need no code."""

from __future__ import annotations

import json
import operator
import re
from functools import cache
from pathlib import Path
from typing import Any

from rowmaking.dice import Dice

MATERIALS = Path(__file__).resolve().parent.parent / "materials"
Facts = dict[str, str]
_SLOT = re.compile(r"\{(\w+(?:\.a)?)\}")
_SENTENCE_START = re.compile(r"(^|[.!?]\s+|\n|[.!?]\" )([a-z])")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeioAEIO]|u[a-mo-z])(?!one\b|eu)")
_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@cache
def material(name: str) -> Any:
    """The parsed content of `materials/<name>.json`."""
    return json.loads((MATERIALS / f"{name}.json").read_text(encoding="utf-8"))


def draw(frame: dict[str, Any], dice: Dice, label: str) -> Facts:
    """One value for each slot, none used twice in a row: `{"n": {"from": 2, "to": 9, "step": 1}}` -> `{"n": "7"}`."""
    facts: Facts = {}
    for slot, spec in frame["slots"].items():
        options = _options(spec)
        deck = spec if isinstance(spec, str) else f"{label}.{slot}"
        value = dice.deal(deck, options)
        while value in facts.values():
            value = dice.pick(options)
        facts[slot] = value
    for slot, (left, sign, right) in frame.get("calc", {}).items():
        facts[slot] = str(_ARITHMETIC[sign](int(facts[left]), int(facts[right])))
    return facts


def fill(pattern: str, facts: Facts) -> str:
    """`"I had {a.a} at {time}."` and `{"a": "egg", "time": "9:05"}` -> `"I had an egg at 9:05."`."""

    def value(match: re.Match[str]) -> str:
        slot, _, article = match.group(1).partition(".")
        return f"a {facts[slot]}" if article else facts[slot]

    return _SLOT.sub(value, pattern)


def tidy(text: str) -> str:
    """Capitals at sentence starts, `an` before vowels: `"a old map. it is torn."` -> `"An old map. It is torn."`."""
    text = _ARTICLE.sub(lambda m: m.group(1) + "n ", text)
    return _SENTENCE_START.sub(lambda m: m.group(1) + m.group(2).upper(), text)


def _options(spec: Any) -> list[str]:
    if isinstance(spec, str):
        return material("shared")[spec.removeprefix("@")]
    if isinstance(spec, dict):
        return [str(n) for n in range(spec["from"], spec["to"] + 1, spec["step"])]
    return spec
