"""The gate: from scored items to a verdict, and nothing else; the same items give the same verdict, to the bit.

The baseline is the champion, or the base where there is none. For every metric the paired differences (tuned minus
baseline, same items) give a bootstrap interval and a sign-flip p-value at the confidence set in the config. A metric is
*better* or *worse* where both agree on it, *undecided* otherwise; the metrics of generated answers are corrected for
being several (Holm).

    promote        every metric of `better` is better; against the base the generated answers are better in at least
                   one metric and worse in none, against a champion no metric at all is worse
    refuse         a metric of `better` is worse; against the base the generated answers are worse in one metric and
                   better in none, against a champion any metric is worse
    inconclusive   anything else: it says how many rows would settle it, or, against a champion, that the model is no
                   worse within `margin`, so that more rows would change little, or which generated answers are better
                   and which are worse than the base's: that is for a person to weigh

Where no answers were generated (`evaluate.generate_rows: 0`) the conditions on them fall away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tuneloom.config import Gate
from tuneloom.evaluate.metrics import Direction
from tuneloom.statistics import bootstrap, holm, items_needed, sign_flip


@dataclass(frozen=True)
class Comparison:
    """Tuned against baseline in one metric, as tuned minus baseline; None where the items cannot tell."""

    metric: str
    direction: Direction
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    rows_needed: int | None
    outcome: str = "undecided"


def decide(
    items: pa.Table, gate: Gate, directions: Mapping[str, Direction], generated: Sequence[str], seed: int
) -> dict[str, Any]:
    """Items (schema ITEMS) -> the verdict as plain values.

    `directions` holds every metric, `generated` names those of generated answers.
    """
    means, values = _by_model(items)
    baseline = "champion" if "champion" in values else "base"
    found = {m: compare(values, baseline, m, d, gate, seed) for m, d in directions.items()}
    corrected = dict(zip(generated, holm([found[m].p for m in generated]), strict=True))
    found = {m: _judge(c, corrected.get(m, c.p), gate) for m, c in found.items()}
    measured = [found[m] for m in generated if found[m].n]
    required = [found[m] for m in gate.better]
    watched = measured if baseline == "base" else [c for c in found.values() if c.n and c not in required]
    conditions = [_condition(c, "better", c.outcome == "better") for c in required]
    conditions += _watch(watched, baseline)
    outcomes = {c.outcome for c in watched}
    if all(condition["met"] for condition in conditions):
        verdict = "promote"
    elif any(c.outcome == "worse" for c in required) or (
        "worse" in outcomes and (baseline == "champion" or "better" not in outcomes)
    ):
        verdict = "refuse"
    else:
        verdict = "inconclusive"
    return {
        "verdict": verdict,
        "baseline": baseline,
        "reason": _reason(verdict, required, watched, gate, baseline),
        "conditions": conditions,
        "metrics": {m: _metric(found[m], means) for m in directions},
        "n": required[0].n if required else 0,
        "rows_needed": _rows_needed(conditions) if verdict == "inconclusive" else None,
        "confidence": gate.confidence,
    }


def compare(
    values: Mapping[str, Mapping[str, Mapping[str, float]]],
    baseline: str,
    metric: str,
    direction: Direction,
    gate: Gate,
    seed: int,
) -> Comparison:
    """Model -> metric -> id -> value, compared on the ids that both models have."""
    differences = _differences(values, baseline, metric)
    n = len(differences)
    estimate = float(differences.mean()) if n else None
    interval = bootstrap(differences, gate.confidence, seed)
    gain = None if estimate is None else (-estimate if direction == "lower" else estimate)
    return Comparison(
        metric,
        direction,
        n,
        estimate,
        interval.low if interval else None,
        interval.high if interval else None,
        sign_flip(differences, seed),
        items_needed(differences, gain, gate.confidence) if gain is not None else None,
    )


def _differences(
    values: Mapping[str, Mapping[str, Mapping[str, float]]], baseline: str, metric: str
) -> NDArray[np.float64]:
    """Tuned minus baseline float64 (n,), by id."""
    tuned, other = values.get("tuned", {}).get(metric, {}), values.get(baseline, {}).get(metric, {})
    return np.array([tuned[i] - other[i] for i in sorted(tuned.keys() & other.keys())], np.float64)


def _by_model(items: pa.Table) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, dict[str, float]]]]:
    """Mean and single values: model -> metric -> mean, and model -> metric -> id -> value."""
    values: dict[str, dict[str, dict[str, float]]] = {}
    columns = [items[name].to_pylist() for name in ("model", "metric", "id", "value")]
    for model, metric, row_id, value in zip(*columns, strict=True):
        values.setdefault(model, {}).setdefault(metric, {})[row_id] = value
    means = {
        model: {metric: float(np.mean([scores[i] for i in sorted(scores)])) for metric, scores in metrics.items()}
        for model, metrics in values.items()
    }
    return means, values


def _judge(found: Comparison, p: float | None, gate: Gate) -> Comparison:
    """With the corrected p-value; better or worse where p and the interval both say so."""
    outcome = "undecided"
    if p is not None and p < 1 - gate.confidence and found.low is not None and found.high is not None:
        if found.low > 0:
            outcome = "better" if found.direction == "higher" else "worse"
        elif found.high < 0:
            outcome = "better" if found.direction == "lower" else "worse"
    return Comparison(**{**asdict(found), "p": p, "outcome": outcome})


def _condition(found: Comparison, needed: str, met: bool) -> dict[str, Any]:
    return {**asdict(found), "needed": needed, "met": met}


def _watch(watched: Sequence[Comparison], baseline: str) -> list[dict[str, Any]]:
    """One condition on several metrics, shown with the numbers of the one that says most; none where none is measured.

    Against the base: one is better and none is worse. Against a champion: none is worse.
    """
    if not watched:
        return []
    worse, better = (any(c.outcome == outcome for c in watched) for outcome in ("worse", "better"))
    needed = "better in one metric and worse in none" if baseline == "base" else "not worse in any"
    rank = {"worse": 0, "better": 1, "undecided": 2}
    shown = min(watched, key=lambda c: (rank[c.outcome], c.p if c.p is not None else 2.0, c.metric))
    met = not worse and (better or baseline == "champion")
    return [_condition(shown, f"{needed} of {', '.join(c.metric for c in watched)}", met)]


def _metric(found: Comparison, means: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    return {
        **{model: means.get(model, {}).get(found.metric) for model in ("base", "tuned", "champion")},
        "difference": found.estimate,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": found.n,
        "direction": found.direction,
        "outcome": found.outcome,
    }


def _rows_needed(conditions: Sequence[Mapping[str, Any]]) -> int | None:
    """The rows that would show the differences seen, were they true; None where one points the wrong way."""
    needs = [condition["rows_needed"] for condition in conditions if not condition["met"]]
    return max(needs) if needs and None not in needs else None


def _reason(
    verdict: str, required: Sequence[Comparison], watched: Sequence[Comparison], gate: Gate, baseline: str
) -> str:
    """One or two sentences for people."""
    told = [f"{c.metric} is {c.outcome}" for c in required] + _words(watched, baseline)
    text = f"Against the {baseline}: {', '.join(told)}."
    if verdict != "inconclusive":
        return text
    if {"better", "worse"} <= {c.outcome for c in watched}:
        return f"{text} A person must weigh that; more rows would not."
    if baseline == "champion" and all(_no_worse(c, gate.margin) for c in required):
        return f"{text} No worse within the margin of {gate.margin:g}: equal for practical purposes."
    needs = [c.rows_needed for c in required if c.outcome == "undecided" and c.rows_needed]
    few = [c.metric for c in required if c.n < 2]
    if few:
        return f"{text} Too few rows to tell."
    return f"{text} About {max(needs)} rows would tell." if needs else f"{text} The rows at hand cannot tell."


def _words(watched: Sequence[Comparison], baseline: str) -> list[str]:
    """`generated answers are better in chrf, but worse in rouge_l`; against a champion `worse in loss`, or nothing."""
    by = {outcome: ", ".join(c.metric for c in watched if c.outcome == outcome) for outcome in ("better", "worse")}
    parts = [f"{outcome} in {names}" for outcome, names in by.items() if names]
    if not watched:
        return []
    about = "generated answers are" if baseline == "base" else "otherwise it is"
    return [f"{about} {', but '.join(parts) or 'undecided'}"]


def _no_worse(found: Comparison, margin: float) -> bool:
    worst = found.high if found.direction == "lower" else None if found.low is None else -found.low
    return worst is not None and worst <= margin
