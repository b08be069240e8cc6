"""What came out of a run, read from its artifacts: verdict, metrics before and after, model, report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuneloom.artifacts import Artifact


@dataclass(frozen=True)
class Outcome:
    """The last words of a run; None for what it did not come to."""

    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    model: str | None = None
    verdict: str | None = None
    promoted: bool | None = None
    report: str | None = None


def read_outcome(found: Mapping[str, Artifact | None]) -> Outcome:
    """The outcome of a run's artifacts by stage (those that there are)."""
    verdict = _json(found.get("evaluate"), "verdict.json")
    release = _json(found.get("release"), "release.json")
    page = found.get("report")
    return Outcome(
        metrics=verdict.get("metrics", {}),
        model=release.get("model_uri"),
        verdict=verdict.get("verdict"),
        promoted=release.get("promoted"),
        report=str(page.path("report.html")) if page else None,
    )


def stage_metrics(found: Mapping[str, Artifact | None]) -> dict[str, float]:
    """Numbers of the stages that there are, for curves over many runs:

    `{"dedup/rows_in": 100.0, "dedup/rows_out": 90.0, "dedup/rejected": 10.0, "dedup/held": 0.0,
    "dedup/reject_rate": 0.1, "dedup/seconds": 1.2, "train/seconds": 60.7}`

    Of a reused stage the seconds are those of its making.
    """
    numbers: dict[str, float] = {}
    for stage, artifact in found.items():
        if artifact is None:
            continue
        counts = artifact.manifest.counts
        every = {name: getattr(counts, name) for name in ("rows_in", "rows_out", "rejected", "held")}
        known: dict[str, float] = {name: count for name, count in every.items() if count is not None}
        entered = (counts.rows_in or 0) + (counts.made or 0)
        if counts.rejected is not None and entered:
            known["reject_rate"] = counts.rejected / entered
        known["seconds"] = artifact.manifest.seconds
        numbers |= {f"{stage}/{name}": float(value) for name, value in known.items()}
    return numbers


def metric_lines(outcome: Outcome) -> list[str]:
    """`loss  base 3.105  tuned 2.001  difference -1.104 [-1.2, -1.0]`, a line a metric."""
    lines = []
    for name, scores in outcome.metrics.items():
        models = "  ".join(
            f"{model} {scores[model]:.4g}" for model in ("base", "champion", "tuned") if scores.get(model) is not None
        )
        low, high = scores.get("low"), scores.get("high")
        interval = f" [{low:+.3g}, {high:+.3g}]" if low is not None and high is not None else ""
        change = f"  difference {scores['difference']:+.3g}{interval}" if scores.get("difference") is not None else ""
        lines.append(f"{name:<12} {models}{change}")
    return lines


def summary_markdown(title: str, found: Mapping[str, Artifact | None]) -> str:
    """The run summary for Prefect's UI."""
    outcome = read_outcome(found)
    lines = [f"# {title}", "", "| stage | in | out | rejected | seconds |", "|---|---:|---:|---:|---:|"]
    for stage, artifact in found.items():
        if artifact is None:
            continue
        counts = artifact.manifest.counts
        cells = ("" if n is None else f"{n:,}" for n in (counts.rows_in, counts.rows_out, counts.rejected))
        state = "reused" if artifact.reused else f"{artifact.manifest.seconds:.1f}"
        lines.append(f"| {stage} | {' | '.join(cells)} | {state} |")
    if outcome.verdict:
        lines += ["", f"**Verdict: {outcome.verdict}**" + (f", model `{outcome.model}`" if outcome.model else "")]
        lines += ["", *(f"- {line}" for line in metric_lines(outcome))]
    if outcome.report:
        lines += ["", f"Report: `{outcome.report}`"]
    return "\n".join(lines)


def _json(artifact: Artifact | None, name: str) -> dict[str, Any]:
    return json.loads(artifact.path(name).read_text("utf-8")) if artifact else {}
