"""The planted defects: what a run must find. Their kinds stand in the ground truth only, never in the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rowmaking.dice import Dice
from rowmaking.personal import identity
from rowmaking.rows import FILE_OF, Json, Row, as_format
from rowmaking.similarity import Differing, likeness
from rowmaking.templates import material

FILES = tuple(dict.fromkeys(FILE_OF.values()))
NEAR_AT_LEAST = 0.86
COUNTS = {"exact_duplicate": 40, "near_duplicate": 40, "empty_answer": 20, "personal_data": 26, "refusal": 26}


@dataclass(frozen=True)
class Entry:
    """One entry of a file as JSON text; `row` is what it says, `kind` the defect, `twin` the row it repeats."""

    file: str
    text: str
    row: Row | None = None
    kind: str = ""
    twin: Row | None = None


def planted(seed: str, good: list[Row], spares: dict[str, list[Row]]) -> list[Entry]:
    """All planted entries: copies of good rows, defects in spare rows, invented people, broken lines."""
    dice = Dice(f"{seed}.plants")
    twins = iter(dice.shuffled(good))
    pool = iter(dice.shuffled([row for rows in spares.values() for row in rows]))
    entries = _exact(dice, twins) + _near(dice, twins)
    entries += _empty(pool) + _refusals(dice, pool) + _personal(dice)
    return entries + [Entry(file, text, kind="broken_row") for file, texts in _broken(pool).items() for text in texts]


def _exact(dice: Dice, twins: Iterator[Row]) -> list[Entry]:
    """Half in the twin's own file, half in another format: an Alpaca row's words as a `messages` row."""
    entries: list[Entry] = []
    while len(entries) < COUNTS["exact_duplicate"]:
        twin = next(twins)
        file = twin.file
        if len(entries) % 2:
            if twin.source_text or [role for role, _ in twin.messages] != ["user", "assistant"]:
                continue
            file = dice.deal("other." + file, [f for f in FILES if f != file])
        entries.append(Entry(file, _json(as_format(twin, file)), twin, "exact_duplicate", twin))
    return entries


def _near(dice: Dice, twins: Iterator[Row]) -> list[Entry]:
    """A politeness before or after the prompt; one in four answers also has another full stop or capital."""
    entries: list[Entry] = []
    while len(entries) < COUNTS["near_duplicate"]:
        twin = next(twins)
        language = ("en", "en", "zh")[len(entries) % 3]
        before, after = dice.deal(f"near.{language}", material("plants")["near"][language])
        if twin.language != language or twin.category in ("code", "translation"):
            continue
        start = next(i for i, (role, _) in enumerate(twin.messages) if role == "user")
        changed = list(twin.messages)
        changed[start] = ("user", before + changed[start][1] + after)
        row = replace(twin, messages=tuple(changed))
        if len(entries) % 4 == 3:
            row = row.answered(_other_ending(row.answer))
        lowest, _ = likeness(row, twin)
        if lowest >= NEAR_AT_LEAST:
            entries.append(Entry(row.file, _json(as_format(row, row.file)), row, "near_duplicate", twin))
    return entries


def _other_ending(answer: str) -> str:
    return answer.rstrip(".。") if answer[-1] in ".。" else answer[0].swapcase() + answer[1:]


def _empty(pool: Iterator[Row]) -> list[Entry]:
    """Answers that are empty, blank, null or not there at all."""
    entries: list[Entry] = []
    while len(entries) < COUNTS["empty_answer"]:
        row = next(pool)
        how = len(entries) % 4
        body = as_format(replace(row, check=""), row.file)
        holder, key = _answer_place(body)
        if how == 3:
            del holder[key]
        else:
            holder[key] = ("", " \n ", None)[how]
        entries.append(Entry(row.file, _json(body), kind="empty_answer"))
    return entries


def _answer_place(body: Json) -> tuple[Json, str]:
    if "messages" in body:
        return body["messages"][-1], "content"
    if "conversations" in body:
        return body["conversations"][-1], "value"
    return body, "output" if "output" in body else "completion"


def _refusals(dice: Dice, pool: Iterator[Row]) -> list[Entry]:
    """Harmless requests, turned down; of a dialogue only the first exchange is kept."""
    entries: list[Entry] = []
    while len(entries) < COUNTS["refusal"]:
        row = next(pool)
        user = next(i for i, (role, _) in enumerate(row.messages) if role == "user")
        refusal = dice.deal(f"refusal.{row.language}", material("plants")["refusals"][row.language])
        row = replace(row, messages=row.messages[: user + 2]).answered(refusal)
        entries.append(Entry(row.file, _json(as_format(row, row.file)), row, "refusal"))
    return entries


def _personal(dice: Dice) -> list[Entry]:
    """Rows with an e-mail address, a phone, card or identity number, a network address or a key."""
    book = material("plants")
    patterns = book["personal"]
    entries: list[Entry] = []
    differing = Differing(0.5)
    while len(entries) < COUNTS["personal_data"]:
        pattern = patterns[len(entries) % len(patterns)]
        language = pattern["language"]
        person = identity(dice, language)
        opening = "" if len(entries) < len(patterns) else dice.deal(f"opening.{language}", book["openings"][language])
        user, answer = opening + pattern["user"].format(**person), pattern["answer"].format(**person)
        messages = (("user", user), ("assistant", answer))
        row = Row(pattern["category"], pattern["category"], language, messages)
        if not differing.admit(row):
            raise ValueError(f"personal row too like another: {user!r}; add a pattern to materials/plants.json")
        entries.append(Entry(row.file, _json(as_format(row, row.file)), row, "personal_data"))
    return entries


def _broken(pool: Iterator[Row]) -> dict[str, list[str]]:
    """Lines and elements that no reader can turn into a conversation."""
    rows = {file: next(row for row in pool if row.file == file) for file in FILES}
    assistant = _json(as_format(rows[FILES[2]], FILES[2]))
    qa = _json(as_format(rows[FILES[3]], FILES[3]))
    return {
        FILES[0]: ["42", '"Translate this, please."', "null", '["instruction", "input", "output"]'],
        FILES[1]: [
            "3.14",
            _json({"conversations": "human: hello, gpt: hello"}),
            _json({"conversations": [{"from": "human", "value": "Who?"}, {"from": "narrator", "value": "Rain."}]}),
            _json({"conversations": [{"from": "gpt", "value": "The shop opens at nine."}]}),
            _json({"conversations": []}),
        ],
        FILES[2]: [
            assistant[: len(assistant) * 2 // 3],
            _json({"messages": {"role": "user", "content": "Sort these cards."}}),
            _json({"messages": [{"role": "user", "content": "Cast!"}, {"role": "wizard", "content": "Done."}]}),
            _json({"messages": [{"role": "assistant", "content": "Nobody asked for this list."}]}),
            _json({"messages": ["Name a colour.", "Blue."]}),
        ],
        FILES[3]: [qa[: len(qa) // 2], "17", "prompt: Which river? completion: the Lune", "[1, 2, 3]"],
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
