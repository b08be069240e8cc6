"""Rows about a given text: question answering, summarisation and classification, each in English and Chinese."""

from __future__ import annotations

from typing import Any

from rowmaking.dice import Dice
from rowmaking.rows import Row
from rowmaking.templates import Facts, draw, fill, material, tidy

SUMMARY_OPENER = {"en": "In short: ", "zh": "简而言之："}
_SPACE = {"en": " ", "zh": ""}


def question(dice: Dice, language: str) -> Row:
    """A short passage of facts, a question on one of them; the answer is the span that states it."""
    book = material(f"question_answering_{language}")
    frame = dice.deal(f"qa.{language}", book["frames"])
    facts = draw(frame, dice, f"qa.{frame['name']}")
    chosen = _facts_that_start_with_the_subject(frame, dice, 4 if language == "en" else 3)
    passage = tidy(_SPACE[language].join(fill(pattern, facts) for _, pattern in chosen))
    asked = dice.pick(chosen)[0]
    query = tidy(fill(dice.deal(f"{frame['name']}.{asked['answer']}", asked["ask"]), facts))
    ask = dice.deal(f"qa.ask.{language}", book["ask"])
    prompt = ask.replace("{passage}", passage).replace("{question}", query)
    return _row("question_answering", "question_answering", language, prompt, fill(asked["answer"], facts))


def summary(dice: Dice, language: str) -> Row:
    """A report of four or five sentences; the answer is one sentence with its main facts."""
    book = material(f"summarisation_{language}")
    frame = dice.deal(f"sum.{language}", book["frames"])
    facts = draw(frame, dice, f"sum.{frame['name']}")
    sentences = [fill(dice.deal(f"{frame['name']}.{i}", part), facts) for i, part in enumerate(frame["passage"])]
    passage = tidy(_SPACE[language].join(sentences))
    point = tidy(fill(dice.deal(f"{frame['name']}.summary", frame["summary"]), facts))
    prompt = dice.deal(f"sum.ask.{language}", book["ask"]).replace("{passage}", passage)
    return _row("summarisation", "summarisation", language, prompt, SUMMARY_OPENER[language] + point)


def classification(dice: Dice, language: str) -> Row:
    """A review, a news item or a request; the answer is the bare label."""
    frame = dice.deal(f"cls.{language}", material(f"classification_{language}")["frames"])
    task = frame["task"]
    facts = draw(frame, dice, f"{task}.{language}")
    label = dice.deal(f"{task}.{language}.label", frame["labels"])
    parts = [dice.deal(f"{task}.{label}.{i}", part) for i, part in enumerate(frame["texts"][label])]
    text = tidy(_SPACE[language].join(fill(part, facts) for part in parts))
    prompt = dice.deal(f"{task}.{language}.ask", frame["ask"]).replace("{text}", text)
    return _row(task, "classification", language, fill(prompt, _label_lists(frame["labels"], dice, language)), label)


def _facts_that_start_with_the_subject(frame: dict[str, Any], dice: Dice, count: int) -> list[tuple[Any, str]]:
    """Facts with one pattern each, the first naming what the passage is about: no pronoun comes before its name."""
    subject = "{" + next(iter(frame["slots"])) + "}"
    order = dice.shuffled(frame["facts"])
    first = next(f for f in order if any(subject in say for say in f["say"]))
    others = [f for f in order if f is not first][: count - 1]
    opening = dice.deal(f"{frame['name']}.{first['answer']}.first", [say for say in first["say"] if subject in say])
    return [(first, opening)] + [(f, dice.deal(f"{frame['name']}.{f['answer']}.say", f["say"])) for f in others]


def _label_lists(labels: list[str], dice: Dice, language: str) -> Facts:
    """The label set in three spellings: `a, b, c`, `a/b/c` and `a, b or c`, in a drawn order."""
    order = dice.shuffled(labels)
    comma, or_word = (", ", " or ") if language == "en" else ("、", "或")
    return {
        "labels": comma.join(order),
        "slash_labels": "/".join(order),
        "or_labels": comma.join(order[:-1]) + or_word + order[-1],
    }


def _row(task: str, category: str, language: str, prompt: str, answer: str) -> Row:
    return Row(task, category, language, (("user", prompt), ("assistant", answer)))
