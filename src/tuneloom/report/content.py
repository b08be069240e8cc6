"""What the report says, as plain values: read from artifacts, nothing computed anew, personal data masked."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tuneloom.artifacts import Artifact
from tuneloom.report.charts import Interval, interval

DATA_STAGES = ("ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture", "render")
SAMPLES = 6
SAMPLE_LENGTH = 700
"""Characters shown of a prompt or an answer."""

Mask = Callable[[str], str]


@dataclass(frozen=True)
class Verdict:
    """The gate's word and its conditions; `headline` is one sentence for a person, `reason` the gate's own."""

    word: str
    headline: str
    details: str
    reason: str
    conditions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Score:
    """A metric: the scores, the difference to the baseline with its interval, and why there is none of a model."""

    name: str
    direction: str
    base: float | None
    champion: float | None
    tuned: float | None
    difference: float | None
    low: float | None
    high: float | None
    bar: Interval | None
    better: bool | None
    not_assessable: str | None = None


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
    word, against, conditions = tree["verdict"], tree["baseline"], tuple(tree["conditions"])
    headline = {
        "promote": f"The tuned model beats the {against}.",
        "refuse": _refused(against, conditions),
    }.get(word, f"The scores do not settle it against the {against}.")
    return Verdict(word, headline, f"{_before_and_after(tree)}{_place(released)}", tree["reason"], conditions)


def read_scores(evaluation: Artifact) -> list[Score]:
    """One `Score` a metric, in the verdict's order; the gate's own metrics first."""
    tree = _json(evaluation, "verdict.json")
    decisive, metrics = {condition["metric"] for condition in tree["conditions"]}, tree["metrics"]
    return [_score(name, metrics[name]) for name in sorted(metrics, key=lambda name: (name not in decisive, name))]


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


def _refused(against: str, conditions: Iterable[Mapping[str, Any]]) -> str:
    """What failed, in the gate's order: the data before any score."""
    failed = {one["kind"]: one["metric"] for one in reversed([*conditions]) if one["state"] == "failed"}
    if "data" in failed:
        return f"The data may not make a champion: {failed['data']}."
    if {"gain", "watch", "guard"} & failed.keys():
        return f"The tuned model is worse than the {against}."
    if "floor" in failed:
        return f"The tuned model misses the floor of {failed['floor']}."
    return f"The tuned model's answers are too long beside those of the {against}."


def _before_and_after(tree: Mapping[str, Any]) -> str:
    """`Held-out loss: 1.92 before, 1.57 tuned. ` of the first condition (a suite's metric has its full name); nothing
    where it was not measured."""
    name = str(tree["conditions"][0]["metric"]) if tree["conditions"] else ""
    found = tree["metrics"].get(name, {})
    before, after = found.get(tree["baseline"]), found.get("tuned")
    if before is None or after is None:
        return ""
    what = name if "." in name else f"Held-out {name}"
    return f"{what}: {before:.4g} before, {after:.4g} tuned. "


def _place(released: Mapping[str, Any] | None) -> str:
    if released is None:
        return "It was not registered."
    place = f"Registered as {released['model_name']} version {released['version']}"
    if released["promoted"]:
        return f"{place} and promoted to champion."
    why = released["why_not"]
    return f"{place}, as a candidate only: {why}"


def _score(name: str, found: Mapping[str, Any]) -> Score:
    """`better` is the gate's word, which also corrects for several metrics; None where it is undecided."""
    low, point, high = found["low"], found["difference"], found["high"]
    return Score(
        name,
        found["direction"],
        found["base"],
        found["champion"],
        found["tuned"],
        point,
        low,
        high,
        interval(low, point, high) if None not in (low, point, high) else None,
        {"better": True, "worse": False}.get(found["outcome"]),
        "; ".join(f"{model}: {why}" for model, why in found.get("not_assessable", {}).items()) or None,
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
