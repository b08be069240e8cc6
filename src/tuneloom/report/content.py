"""The verdict, the data funnel and the mixture for the report, as plain values read from artifacts."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tuneloom.artifacts import Artifact
from tuneloom.report.charts import Bar

DATA_STAGES = ("ingest", "dedup", "split", "decontaminate", "quality", "review", "mixture", "render")


@dataclass(frozen=True)
class Verdict:
    """The gate's word and its conditions; `headline` is one sentence for a person, `reason` the gate's own."""

    word: str
    headline: str
    details: str
    reason: str
    baseline: str
    conditions: tuple[Mapping[str, Any], ...]


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


def read_verdict(evaluation: Artifact, released: Mapping[str, Any] | None) -> Verdict:
    """The verdict as a headline, and the conditions behind it."""
    tree = _json(evaluation, "verdict.json")
    word, against, conditions = tree["verdict"], tree["baseline"], tuple(tree["conditions"])
    headline = {
        "promote": f"The tuned model beats the {against}.",
        "refuse": _refused(against, conditions),
    }.get(word, f"The scores do not settle it against the {against}.")
    return Verdict(word, headline, f"{_before_and_after(tree)}{_place(released)}", tree["reason"], against, conditions)


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


def funnel_bars(steps: Sequence[FunnelStep]) -> list[Bar]:
    """A bar a stage: kept, rejected, held, as shares of the most rows that there were at once.

    `ingest: 190 kept, 10 rejected` above 0.95 of the width in the accent and 0.05 in red.
    """
    most = max((step.rows_in + step.made for step in steps), default=1) or 1
    bars = []
    for step in steps:
        lost = [(step.rejected, "rejected", "bad"), (step.held, "held", "unsure")]
        told = ", ".join(f"{count:,} {word}" for count, word, _ in ((step.kept, "kept", ""), *lost) if count)
        parts = [(step.kept / most, "accent"), *((count / most, tone) for count, _, tone in lost if count)]
        bars.append(Bar(f"{step.stage}: {told or 'no row'}", tuple(parts)))
    return bars


def mixture_bars(mixed: Sequence[Mixed]) -> list[Bar]:
    """A bar a source of the training side: `qa: 718 rows, 33.7 %`."""
    own = [one for one in mixed if one.side == "train"]
    return [Bar(f"{one.source}: {one.shown:,} rows, {one.share:g} %", ((one.share / 100, "accent"),)) for one in own]


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


def _json(artifact: Artifact, path: str) -> dict[str, Any]:
    return json.loads(artifact.path(path).read_text("utf-8"))
