"""What every model said to every question, with the tokens it was asked with: kept and counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tuneloom.evaluate.generation import Answer
from tuneloom.evaluate.items import HELD_OUT, Item
from tuneloom.render.loss_mask import prompt_ids

OUTPUTS = pa.schema(
    [
        ("suite", pa.string()),
        ("model", pa.string()),
        ("id", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
        ("prompt_ids", pa.list_(pa.int32())),
        ("output", pa.string()),
        ("tokens", pa.int32()),
        ("label", pa.string()),
        ("failed", pa.list_(pa.string())),
        ("references", pa.list_(pa.string())),
        ("label_sums", pa.list_(pa.float64())),
        ("blank_sums", pa.list_(pa.float64())),
    ]
)
"""`state` is answered, cut (the token limit ended it) or not asked (`reason` says why); `failed` names the metrics that
found no answer in the output, `label` the label that was found; sums are log-likelihoods of the labels in nats."""
MOST_ERRORS = 0.005
"""Largest share of a suite's questions that may go unasked; above it the verdict is void."""


@dataclass(frozen=True)
class Tally:
    """A suite's outputs of one model, counted; `tokens` are those of all answers."""

    suite: str
    model: str
    questions: int
    not_asked: int
    cut: int
    failed: int
    answered: int
    tokens: int

    @property
    def void(self) -> bool:
        """Whether too many questions went unasked."""
        return self.not_asked > MOST_ERRORS * self.questions


def held_out_outputs(model: str, items: Sequence[Item], answers: Sequence[Answer]) -> pa.Table:
    """A model's answers to the run's own held-out rows, as a table of schema OUTPUTS."""
    rows = [
        {
            "suite": HELD_OUT,
            "model": model,
            "id": item.id,
            "state": "cut" if answer.cut else "answered",
            "prompt_ids": prompt_ids(item.row).tolist(),
            "output": answer.text,
            "tokens": answer.tokens,
            "failed": [],
            "references": item.references,
        }
        for item, answer in zip(items, answers, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=OUTPUTS)


def tally(outputs: pa.Table) -> list[Tally]:
    """Counts of a table of schema OUTPUTS, by suite and model; failed: no answer found by one of the metrics."""
    if not len(outputs):
        return []
    known = outputs.append_column(
        "fails", pc.cast(pc.greater(pc.fill_null(pc.list_value_length(outputs["failed"]), 0), 0), pa.int64())
    )
    for state in ("not asked", "cut"):
        known = known.append_column(state, pc.cast(pc.equal(known["state"], state), pa.int64()))
    said = pc.cast(pc.is_valid(known["output"]), pa.int64())
    known = known.append_column("said", said)
    totals = known.group_by(["suite", "model"]).aggregate(
        [("id", "count"), *((name, "sum") for name in ("not asked", "cut", "fails", "said", "tokens"))]
    )
    return sorted(
        (
            Tally(
                row["suite"],
                row["model"],
                row["id_count"],
                row["not asked_sum"],
                row["cut_sum"],
                row["fails_sum"],
                row["said_sum"],
                row["tokens_sum"] or 0,
            )
            for row in totals.to_pylist()
        ),
        key=lambda one: (one.suite, one.model),
    )


def tokens_an_answer(tallies: Sequence[Tally], model: str) -> float | None:
    """Mean length of a model's generated answers; None where it gave none."""
    own = [one for one in tallies if one.model == model and one.answered]
    return sum(one.tokens for one in own) / sum(one.answered for one in own) if own else None
