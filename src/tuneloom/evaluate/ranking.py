"""Which label a model finds likeliest, P(y | x): by the sum of its tokens' log-likelihoods, and three ways to correct
for length and commonness. Each way is named; they often choose differently.

    sum        sum of log p
    character  sum / characters of the label      (lm-evaluation-harness: acc_norm)
    byte       sum / its UTF-8 bytes              (acc_bytes)
    pmi        sum - sum after an empty question  (Holtzman 2021)
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from tuneloom.errors import TrainingError
from tuneloom.evaluate.questions import Question
from tuneloom.models.likelihood import row_losses


def label_likelihoods(
    model: Any, questions: Sequence[Question], on_rows: Callable[[int], None], token_budget: int = 1024
) -> list[tuple[list[float], list[float]]]:
    """For each question log p of its labels, in nats, and log p of the same after an empty question (maybe empty).

    Independent of batch, order and padding: rows share a line and do not see each other. Raises TrainingError for a
    likelihood that is not a number.
    """
    found: list[tuple[list[float], list[float]]] = []
    blanks: dict[tuple[bytes, ...], list[float]] = {}
    for question in questions:
        losses = row_losses(model, question.choices, token_budget)
        mark = tuple(row.ids.tobytes() for row in question.blank)
        if mark not in blanks:
            blanks[mark] = [-loss.sum for loss in row_losses(model, question.blank, token_budget)]
        found.append(([-loss.sum for loss in losses], blanks[mark]))
        on_rows(len(found))
    return found


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
