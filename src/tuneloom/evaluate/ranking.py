"""Which label a model finds likeliest, P(y | x): by the sum of its tokens' log-likelihoods, and three ways to correct
for length and commonness. Each way is named; they often choose differently.

    sum        sum of log p
    character  sum / characters of the label      (lm-evaluation-harness: acc_norm)
    byte       sum / its UTF-8 bytes              (acc_bytes)
    pmi        sum - sum after an empty question  (Holtzman 2021)
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tuneloom.errors import TrainingError
from tuneloom.evaluate.questions import Question
from tuneloom.models.asks import LINE, SLOTS_AT_MOST, replies
from tuneloom.models.generate import unscored
from tuneloom.models.spots import Ask, Reply, split_row
from tuneloom.models.token_row import TokenRow


def ask_questions(
    model: Any,
    questions: Sequence[Question],
    said: bool,
    max_new_tokens: int,
    stops: Iterable[int],
    on_rows: Callable[[int], None] = lambda done: None,
    slots: int = SLOTS_AT_MOST,
    line: int = LINE,
) -> tuple[list[Reply], list[list[float]]]:
    """For each question its reply (log p of its labels in nats, and the model's own answer where `said`), and log p of
    the same labels after an empty question (maybe none).

    Independent of batch and order. Raises TrainingError for a likelihood that is not a number.
    """
    asks = [_ask(unscored(q.wanted.id, q.prompt_ids), q.choices, said) for q in questions]
    marks = [tuple(row.ids.tobytes() for row in q.blank) for q in questions]
    blanks = dict(zip(marks, (q.blank for q in questions), strict=True))
    empty = [_ask(_before(rows[0]), rows, False) for rows in blanks.values() if rows]
    sums = iter([reply.sums for reply in replies(model, empty, line=line)])
    blank_sums = {mark: next(sums) if rows else [] for mark, rows in blanks.items()}
    found = replies(model, asks, max_new_tokens, stops, slots, line, on_rows)
    return found, [blank_sums[mark] for mark in marks]


def likeliest(labels: Sequence[str], sums: Sequence[float], blank: Sequence[float], reading: str) -> str:
    """`["yes", "no"]`, `[-3.0, -2.5]`, sum -> "no", character -> "yes"; of equals the first label.

    Raises TrainingError for a score that is not a number: it would be chosen in silence.
    """
    ways: dict[str, Callable[[int], float]] = {
        "sum": lambda i: sums[i],
        "character": lambda i: sums[i] / len(labels[i]),
        "byte": lambda i: sums[i] / len(labels[i].encode()),
        "pmi": lambda i: sums[i] - blank[i],
    }
    scores = [ways[reading](i) for i in range(len(labels))]
    if not all(math.isfinite(score) for score in scores):
        raise TrainingError(
            f"the likelihoods of {labels!r} are {scores}", where="ranking", remedy="The model's weights are broken."
        )
    return labels[scores.index(max(scores))]


def _ask(prompt: TokenRow, rows: Sequence[TokenRow], said: bool) -> Ask:
    """Rows that begin with the prompt, as answers to it."""
    return Ask(prompt, tuple(split_row(row, len(prompt))[1] for row in rows), said)


def _before(row: TokenRow) -> TokenRow:
    """What stands before the first token that is scored."""
    return split_row(row, int(np.flatnonzero(row.loss_mask)[0]))[0]
