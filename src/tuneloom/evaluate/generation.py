"""Generated answers: greedy, from exactly the tokens that training put before the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tuneloom.evaluate.items import Item
from tuneloom.evaluate.metrics import About, Metric, Scored
from tuneloom.models.generate import default_stop_ids, generate_greedy
from tuneloom.render.loss_mask import learnt_runs, prompt_ids

BATCH = 16


@dataclass(frozen=True)
class Answer:
    """What a model said; `cut` where it had not ended after the allowed tokens."""

    text: str
    cut: bool
    tokens: int = 0


def generate_answers(
    model: Any, tokenizer: Any, items: Sequence[Item], max_new_tokens: int, on_rows: Callable[[int], None]
) -> list[Answer]:
    """An answer for every item. Stops at the end-of-turn token that training taught, or at the model's own."""
    stops = default_stop_ids(model, tokenizer) | {int(item.row.ids[_answer_end(item) - 1]) for item in items}
    prompts = [prompt_ids(item.row).tolist() for item in items]
    found = generate_greedy(model, tokenizer, prompts, max_new_tokens, BATCH, stops, on_rows)
    return [answer_of(tokenizer, ids, max_new_tokens) for ids in found]


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


def _answer_end(item: Item) -> int:
    """Behind the last learnt token: an end-of-turn token, as render proved."""
    return learnt_runs(item.row.loss_mask)[-1][1]
