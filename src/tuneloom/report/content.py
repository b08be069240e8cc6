"""What the report says, as plain values: read from artifacts, nothing computed anew, personal data masked."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tuneloom.artifacts import Artifact
from tuneloom.report.charts import Interval, interval

DATA_STAGES = ("ingest", "dedup", "split", "quality", "mixture", "render")
SAMPLES = 6
SAMPLE_LENGTH = 700
"""Characters shown of a prompt or an answer."""

Mask = Callable[[str], str]


@dataclass(frozen=True)
class Verdict:
    """The gate's word and its conditions; `headline` is one sentence for a person."""

    word: str
    headline: str
    details: str
    conditions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Score:
    """A metric: the scores, and the difference to the baseline with its interval."""

    name: str
    direction: str | None
    base: float | None
    champion: float | None
    tuned: float | None
    difference: float | None
    low: float | None
    high: float | None
    bar: Interval | None
    better: bool | None


@dataclass(frozen=True)
class FunnelStep:
    """A data stage's rows; `share` is what is kept, in per cent of all rows read."""

    stage: str
    rows_in: int
    made: int
    kept: int
    rejected: int
    held: int
    share: float
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Mixed:
    """Rows of a side by source: how many, and how many with repeats."""

    source: str
    side: str
    rows: int
    shown: int
    share: float


@dataclass(frozen=True)
class Sample:
    """A held-out prompt and what each model says to it."""

    task: str
    prompt: str
    reference: str
    answers: tuple[tuple[str, str], ...]


def read_verdict(evaluation: Artifact, released: Mapping[str, Any] | None) -> Verdict:
    """The verdict as a headline, and the conditions behind it."""
    tree = _json(evaluation, "verdict.json")
    word, against = tree["verdict"], tree.get("baseline") or "base"
    conditions = tuple(tree.get("conditions", []))
    said = {
        "promote": f"The tuned model beats the {against}.",
        "refuse": f"The tuned model does not beat the {against}.",
        "inconclusive": f"The scores do not tell the tuned model from the {against}.",
    }.get(word, word)
    if released is None:
        details = "It was not registered."
    else:
        place = f"Registered as {released['model_name']} version {released['version']}"
        details = f"{place}, now champion." if released["promoted"] else f"{place}, as a candidate only."
        if released.get("why_not"):
            details += f" {released['why_not'][:1].upper()}{released['why_not'][1:]}."
    if conditions:
        found = tree["metrics"].get(conditions[0]["metric"], {})
        before, after = (found.get(who) for who in (against, "tuned"))
        if before is not None and after is not None:
            details = f"Held-out {conditions[0]['metric']}: {before:.4g} before, {after:.4g} tuned. {details}"
    return Verdict(word, said, details, conditions)


def read_scores(evaluation: Artifact) -> list[Score]:
    """One `Score` a metric, in the verdict's order; the gate's own metrics first."""
    tree = _json(evaluation, "verdict.json")
    decisive = {condition["metric"]: condition.get("direction") for condition in tree.get("conditions", [])}
    metrics = tree.get("metrics", {})
    return [
        _score(name, metrics[name], metrics[name].get("direction") or decisive.get(name))
        for name in sorted(metrics, key=lambda name: (name not in decisive, list(metrics).index(name)))
    ]


def read_funnel(artifacts: Mapping[str, Artifact]) -> list[FunnelStep]:
    """The rows of every data stage, with the reasons of its rejects, most frequent first."""
    steps, total = [], 0
    for stage in DATA_STAGES:
        counts = artifacts[stage].manifest.counts if stage in artifacts else None
        if counts is None or counts.rows_in is None:
            continue
        kept = counts.rows_out or 0
        total = max(total, counts.rows_in + (counts.made or 0))
        reasons = sorted(artifacts[stage].manifest.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        numbers = (counts.rows_in, counts.made or 0, kept, counts.rejected or 0, counts.held or 0)
        steps.append(FunnelStep(stage, *numbers, round(kept / max(total, 1) * 100, 1), tuple(reasons)))
    return steps


def read_mixture(mixture: Artifact) -> list[Mixed]:
    """Rows by source and side, training first; `share` is per cent of the side."""
    rows: Counter[tuple[str, str]] = Counter()
    shown: Counter[tuple[str, str]] = Counter()
    for table in mixture.tables(["origin", "side", "repeat"]):
        grouped = pa.table(
            {
                "source": pa.chunked_array([chunk.field("source") for chunk in table["origin"].chunks], pa.string()),
                "side": table["side"],
                "repeat": table["repeat"],
            }
        ).group_by(["source", "side"])
        for row in grouped.aggregate([("repeat", "sum"), ("repeat", "count")]).to_pylist():
            rows[row["source"], row["side"]] += row["repeat_count"]
            shown[row["source"], row["side"]] += row["repeat_sum"]
    sides: Counter[str] = Counter()
    for (_, side), count in shown.items():
        sides[side] += count
    order = sorted(rows, key=lambda key: (key[1] != "train", key[1], -rows[key], key[0]))
    return [
        Mixed(s, side, rows[s, side], shown[s, side], round(shown[s, side] / sides[side] * 100, 1)) for s, side in order
    ]


def read_samples(evaluation: Artifact, mask: Mask, most: int = SAMPLES) -> list[Sample]:
    """A few held-out prompts, of different tasks as far as there are, masked and cut to a readable length."""
    import pyarrow.parquet as pq

    rows = pq.read_table(evaluation.path("samples.parquet")).to_pylist()
    return [_sample(row, mask) for row in _one_a_task(rows, most)]


def clip(text: str, length: int = SAMPLE_LENGTH) -> str:
    """The beginning, with a mark where it goes on: `clip("abcdef", 4)` -> `"abcd …"`."""
    return text if len(text) <= length else f"{text[:length]} …"


def _score(name: str, found: Mapping[str, Any], direction: str | None) -> Score:
    low, point, high = found.get("low"), found.get("difference"), found.get("high")
    bar = better = None
    if low is not None and point is not None and high is not None:
        bar = interval(low, point, high)
        if direction and (low > 0 or high < 0):
            better = (high < 0) == (direction == "lower")
    return Score(
        name,
        direction,
        found.get("base"),
        found.get("champion"),
        found.get("tuned"),
        point,
        low,
        high,
        bar,
        better,
    )


def _one_a_task(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Takes a row of each task in turn; the order of `rows` is that of their ids, which are hashes: a fair draw."""
    queues: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        queues.setdefault(row.get("task") or "", []).append(row)
    taken: list[dict[str, Any]] = []
    while len(taken) < most and any(queues.values()):
        taken += [queue.pop(0) for _, queue in sorted(queues.items()) if queue]
    return taken[:most]


def _sample(row: Mapping[str, Any], mask: Mask) -> Sample:
    def shown(text: str | None) -> str:
        return clip(mask(text or ""))

    references: Iterable[str] = row.get("references") or []
    answers = tuple((who, shown(row[who])) for who in ("base", "champion", "tuned") if row.get(who) is not None)
    return Sample(row.get("task") or "", shown(row["prompt"]), shown(next(iter(references), "")), answers)


def _json(artifact: Artifact, path: str) -> dict[str, Any]:
    return json.loads(artifact.path(path).read_text("utf-8"))
