"""Generated answers and their scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tuneloom.evaluate.items import Item
from tuneloom.evaluate.metrics import About, Metric, Scored


@dataclass(frozen=True)
class Answer:
    """What a model said; `cut` where it had not ended after the allowed tokens."""

    text: str
    cut: bool
    tokens: int = 0


def answer_of(tokenizer: Any, ids: Sequence[int], most: int) -> Answer:
    """New tokens as an answer; one of `most` tokens was cut."""
    return Answer(tokenizer.decode(ids, skip_special_tokens=True), len(ids) >= most, len(ids))


def score_answers(metric: Metric, items: Sequence[Item], answers: Sequence[Answer]) -> list[Scored]:
    """One metric's score of every answer, outer white space aside.

    A cut answer counts as it is and is counted: the limit (`evaluate.max_new_tokens`) is the run's, and the references
    may be longer. A suite brings a limit of its own, and there a cut answer is wrong.
    """
    return [
        metric.of(answer.text.strip(), item.references, About(item.language))
        for item, answer in zip(items, answers, strict=True)
    ]
