"""The sample browser's rows: what every model said to each question, how it scored, and which rows deserve a look.

A row is a win where the tuned model scores better than the other by the first metric of answers of its suite, a loss
where it scores worse. Personal data is masked before any text is cut.
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from tuneloom.artifacts import Artifact
from tuneloom.evaluate import held_out
from tuneloom.evaluate.comparison import sign
from tuneloom.evaluate.gate_plan import Measured
from tuneloom.report.scores import read_plan
from tuneloom.text.refusals import stance_of

MODELS = ("base", "champion", "tuned")
MOST = 10_000
"""Rows in a page."""
TEXT = (300, 4000)
"""Characters kept of a text, at least and at most."""
ROOM = 10_000_000
"""Characters that all texts of a page should keep to."""

Mask = Callable[[str], str]
Scores = Mapping[tuple[str, str], Mapping[str, Mapping[str, float]]]
"""Suite and id -> metric -> model -> value."""


@dataclass(frozen=True)
class Sample:
    """A question: `answers` by model, `scores` by metric and model, `gains` of tuned over each other model (above 0 is
    better, whatever the metric's direction), `notes` by model: refusal, cut, nothing found."""

    id: str
    suite: str
    task: str
    language: str
    prompt: str
    references: tuple[str, ...]
    answers: Mapping[str, str]
    scores: Mapping[str, Mapping[str, float]]
    gains: Mapping[str, float]
    notes: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Samples:
    """Rows of a page, of `total` that there are; `measure` is the metric that decides wins, by suite."""

    rows: tuple[Sample, ...]
    total: int
    measure: Mapping[str, str]

    def counts(self, against: str) -> dict[str, int]:
        """Rows by what a reader may want to see: `{"loss": 3, "win": 9, "refusal": 1, ...}`; none of 0."""
        gains = [row.gains.get(against) for row in self.rows]
        found = {
            "loss": sum(gain is not None and gain < 0 for gain in gains),
            "win": sum(gain is not None and gain > 0 for gain in gains),
            "tie": sum(gain == 0 for gain in gains),
        }
        for note in ("refusal", "cut", "nothing found"):
            found[note] = sum(note in row.notes.get("tuned", ()) for row in self.rows)
        return {name: count for name, count in found.items() if count}

    def to_json(self, against: str) -> str:
        """For a script element: nothing in it can end the element or begin another."""
        names = {"p": "prompt", "r": "references", "a": "answers", "m": "scores", "g": "gains", "n": "notes"}
        rows = [
            {"id": row.id, "s": row.suite, "t": row.task, "l": row.language}
            | {short: value for short, name in names.items() if (value := getattr(row, name))}
            for row in self.rows
        ]
        tree = {"against": against, "measure": self.measure, "rows": rows}
        text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
        return text.translate({ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})


def read_samples(evaluation: Artifact, mask: Mask, most: int = MOST) -> Samples:
    """Every question that was answered, tasks taking turns where there are more than `most`."""
    table = pq.read_table(evaluation.path("samples.parquet")).to_pylist()
    known = [row for row in table if any(row[model] is not None for model in MODELS)]
    chosen = in_turns(known, most)
    measured = read_plan(evaluation).metrics
    measure = _measure(measured)
    scores = _scores(evaluation, measured)
    notes = _notes(evaluation, chosen)
    length = max(TEXT[0], min(TEXT[1], ROOM // max(len(chosen) * 5, 1)))
    short = lambda text: clip(mask(text or ""), length)  # noqa: E731
    rows = tuple(_sample(row, scores, notes, measure, measured, short) for row in chosen)
    return Samples(rows, len(known), measure)


def in_turns(rows: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """A row of each task of each suite in turn; the order of `rows` is that of their ids, hashes: a fair draw."""
    queues: dict[tuple[str, str], deque[dict[str, Any]]] = defaultdict(deque)
    for row in rows:
        queues[row["suite"], row["task"] or ""].append(row)
    taken: list[dict[str, Any]] = []
    while len(taken) < most and any(queues.values()):
        taken += [queue.popleft() for _, queue in sorted(queues.items()) if queue]
    return taken[:most]


def clip(text: str, length: int) -> str:
    """The beginning, with a mark where it goes on: `clip("abcdef", 4)` -> `"abcd …"`."""
    return text if len(text) <= length else f"{text[:length]} …"


def _measure(measured: Mapping[str, Measured]) -> dict[str, str]:
    """The first metric of answers of every suite."""
    found: dict[str, str] = {}
    for name, one in measured.items():
        if one.file != held_out.METRIC:
            found.setdefault(one.suite, name)
    return found


def _scores(evaluation: Artifact, measured: Mapping[str, Measured]) -> Scores:
    items = pq.read_table(evaluation.path("items.parquet"), columns=["suite", "id", "metric", "model", "value"])
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    columns = (items[name].to_pylist() for name in ("suite", "id", "metric", "model", "value"))
    for suite, row_id, metric, model, value in zip(*columns, strict=True):
        if metric in measured and value is not None:
            found.setdefault((suite, row_id), {}).setdefault(metric, {})[model] = float(f"{value:.4g}")
    return found


def _notes(evaluation: Artifact, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], list[str]]:
    """(suite, id, model) -> what is to be said of the answer."""
    notes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for model in MODELS:
        for row in rows:
            if row[model] and stance_of(row[model]) == "refusal":
                notes[row["suite"], row["id"], model].append("refusal")
    columns = ["suite", "id", "model", "state", "failed"]
    for one in pq.read_table(evaluation.path("outputs.parquet"), columns=columns).to_pylist():
        said = ["cut"] if one["state"] == "cut" else ["nothing found"] if one["failed"] else []
        notes[one["suite"], one["id"], one["model"]] += said
    return notes


def _sample(
    row: Mapping[str, Any],
    scores: Scores,
    notes: Mapping[tuple[str, str, str], Sequence[str]],
    measure: Mapping[str, str],
    measured: Mapping[str, Measured],
    short: Mask,
) -> Sample:
    suite, row_id = row["suite"], row["id"]
    own, metric = scores.get((suite, row_id), {}), measure.get(suite)
    said = {model: tuple(notes.get((suite, row_id, model), ())) for model in MODELS}
    return Sample(
        id=row_id,
        suite=suite,
        task=short(row["task"]),
        language=row["language"] or "",
        prompt=short(row["prompt"]),
        references=tuple(short(one) for one in (row["references"] or [])[:3]),
        answers={model: short(row[model]) for model in MODELS if row[model] is not None},
        scores=own,
        gains=_gains(own.get(metric, {}), sign(measured[metric].direction)) if metric else {},
        notes={model: found for model, found in said.items() if found},
    )


def _gains(values: Mapping[str, float], way: int) -> dict[str, float]:
    """`{"base": 0.2, "tuned": 0.5}`, more is better -> `{"base": 0.3}`."""
    if "tuned" not in values:
        return {}
    others = {model: value for model, value in values.items() if model != "tuned"}
    return {model: float(f"{(values['tuned'] - value) * way:.4g}") for model, value in others.items()}
