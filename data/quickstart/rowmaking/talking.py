"""Rows of several turns (dialogue) and of two languages (translation)."""

from __future__ import annotations

import re
from typing import Any

from rowmaking.dice import Dice
from rowmaking.rows import Row
from rowmaking.templates import draw, fill, material, tidy

_PAIR_SLOT = re.compile(r"\{(([a-z]+)\d*)(?:\.(?:en|zh))?\}")


def dialogue(dice: Dice, language: str) -> Row:
    """Two or three exchanges on one errand; sums in it are computed, and `check` states them."""
    frame = dice.deal(f"talk.{language}", material(f"dialogue_{language}")["frames"])
    facts = draw(frame, dice, f"talk.{frame['name']}")
    turns = [frame["system"]] if "system" in frame else []
    roles = ["system"] if turns else []
    turns += frame["turns"]
    roles += ["user" if i % 2 == 0 else "assistant" for i in range(len(frame["turns"]))]
    messages = tuple(
        (role, tidy(fill(dice.deal(f"{frame['name']}.{i}", options), facts)))
        for i, (role, options) in enumerate(zip(roles, turns, strict=True))
    )
    sums = [f"{facts[a]} {sign} {facts[b]} == {facts[slot]}" for slot, (a, sign, b) in frame.get("calc", {}).items()]
    return Row("dialogue", "dialogue", language, messages, check=" and ".join(sums))


def translation(dice: Dice, direction: str, language: str) -> Row:
    """One or two sentences from a grammar that makes both languages from the same words."""
    book = material("translation")
    english, chinese = _sentence_pairs(book, dice)
    source, target = (english, chinese) if direction == "en_zh" else (chinese, english)
    ask = dice.deal(f"tr.{direction}.{language}", book["ask"][direction][language])
    task = f"translation_{direction}"
    if dice.below(4):
        return Row(task, "translation", language, (("user", ask), ("assistant", target)), source_text=source)
    return Row(task, "translation", language, (("user", f"{ask}\n{source}"), ("assistant", target)))


def _sentence_pairs(book: dict[str, Any], dice: Dice) -> tuple[str, str]:
    scene = dice.deal("scene", book["scenes"])
    index = book["scenes"].index(scene)
    patterns = [dice.deal(f"scene.{index}.first", scene["first"])]
    if dice.below(4):
        patterns.append(dice.deal(f"scene.{index}.second", scene["second"]))
    facts: dict[str, Any] = {}
    for english, _, *limits in patterns:
        _draw_pairs(english, limits[0] if limits else {}, book["pairs"], scene["numbers"], facts, dice)
    english = " ".join(_fill_pair(p[0], facts, 0) for p in patterns)
    return tidy(english), "".join(_fill_pair(p[1], facts, 1) for p in patterns)


def _draw_pairs(
    pattern: str, limits: dict[str, list[str]], pairs: dict[str, Any], numbers: dict[str, Any], facts: Any, dice: Dice
) -> None:
    """Give each slot of the pattern an (English, Chinese) pair that no other slot of the row has."""
    for slot, pool in _PAIR_SLOT.findall(pattern):
        if slot in facts:
            continue
        if pool in numbers:
            spec = numbers[pool]
            value = str(spec["from"] + spec["step"] * dice.below((spec["to"] - spec["from"]) // spec["step"] + 1))
            facts[slot] = [value, value]
            continue
        options = [pair for pair in pairs[pool] if pool not in limits or pair[0] in limits[pool]]
        facts[slot] = dice.deal(f"pair.{pool}.{len(options)}", options)
        while any(other != slot and facts[other] == facts[slot] for other in facts):
            facts[slot] = dice.pick(options)


def _fill_pair(pattern: str, facts: dict[str, Any], side: int) -> str:
    return _PAIR_SLOT.sub(lambda match: facts[match.group(1)][side], pattern)
