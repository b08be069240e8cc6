"""The gate: from scored items and its plan to a verdict, and nothing else; the same items give the same verdict, to the
bit.

The baseline is the champion, or the base where there is none. A metric is *better* or *worse* where interval and
p-value agree on it, *undecided* otherwise. Claims of being better are corrected for being several (Holm): those of
`better` among themselves, and those of the run's own generated answers.

    promote        every condition is met: better in each metric of `better`; against the base generated answers better
                   in at least one metric and worse in none, against a champion no held-out metric is worse; guards,
                   floors, data and cost (`conditions`)
    refuse         a condition has failed: a metric of `better` is worse; against the base the generated answers are
                   worse in one metric and better in none, against a champion any held-out metric is worse; a guard, a
                   floor, the data or the cost is proven wrong
    inconclusive   anything else: it says how many rows would settle it, or, against a champion, that the model is no
                   worse within `margin`, so that more rows would change little, or which generated answers are better
                   and which are worse than the base's: that is for a person to weigh. So, too, where more than 0.5 % of
                   a suite's questions could not be asked, or a condition is on what is not assessable (`assessable`)

Guards that the items cannot decide stop a promotion over a champion; over the base they are reported. Where no answers
were generated (`evaluate.generate_rows: 0`) the conditions on them fall away.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tuneloom.config import Gate
from tuneloom.evaluate import conditions
from tuneloom.evaluate.assessable import assessed, in_words
from tuneloom.evaluate.comparison import Comparison, Models, compare, judged, pair, read_scores, score_of
from tuneloom.evaluate.conditions import Condition
from tuneloom.evaluate.gate_plan import GatePlan
from tuneloom.evaluate.items import HELD_OUT
from tuneloom.evaluate.outputs import MOST_ERRORS, Tally
from tuneloom.statistics import holm


def decide(items: pa.Table, tallies: Sequence[Tally], plan: GatePlan) -> dict[str, Any]:
    """Items (schema ITEMS), what was counted of the outputs, and the plan -> the verdict as plain values."""
    scores, gaps = assessed(read_scores(items), plan.metrics)
    baseline = "champion" if "champion" in scores else "base"
    found = _comparisons(scores, baseline, plan)
    required = [found[m] for m in plan.gate.better]
    watched = _watched(found, baseline, plan)
    asked = [conditions.gain(one) for one in required]
    asked += _watch(watched, baseline)
    asked += _guards(scores, found, baseline, plan)
    tuned = scores.get("tuned", {})
    asked += [
        conditions.floor(m, tuned.get(m), plan.metrics[m], bound, plan) for m, bound in sorted(plan.gate.floors.items())
    ]
    asked += conditions.data(plan)
    if plan.gate.cost is not None:
        asked.append(conditions.cost(tallies, baseline, plan.gate.cost))
    asked = [conditions.not_assessable(one, in_words(gaps[one.metric])) if one.metric in gaps else one for one in asked]
    void = [one for one in tallies if one.void]
    verdict = _verdict(asked, void)
    return {
        "verdict": verdict,
        "baseline": baseline,
        "reason": _reason(verdict, asked, required, watched, plan.gate, baseline, void),
        "conditions": [one.as_dict() for one in asked],
        "metrics": {
            m: {**_metric(one, scores, plan), "not_assessable": dict(gaps.get(m, {}))} for m, one in found.items()
        },
        "n": required[0].n if required else 0,
        "rows_needed": _rows_needed(asked) if verdict == "inconclusive" else None,
        "confidence": plan.gate.confidence,
        "plan": plan.digest,
        "uses": dict(plan.uses),
        "outputs": [{**vars(one), "void": one.void} for one in tallies],
    }


def _comparisons(scores: Models, baseline: str, plan: GatePlan) -> dict[str, Comparison]:
    """Every metric of the plan, judged, with corrected p-values."""
    confidence = plan.gate.confidence
    found = {
        m: compare(pair(scores, baseline, m), m, known, confidence, plan.seed)[0] for m, known in plan.metrics.items()
    }
    corrected: dict[str, float | None] = {}
    for claims in (plan.watched, plan.gate.better):
        corrected |= dict(zip(claims, holm([found[m].p for m in claims]), strict=True))
    return {m: judged(one, corrected.get(m, one.p), confidence) for m, one in found.items()}


def _watched(found: Mapping[str, Comparison], baseline: str, plan: GatePlan) -> list[Comparison]:
    """Against the base the generated answers, against a champion all held-out metrics that `better` does not name.

    Suites count where the gate names them: among many metrics one is soon worse by chance.
    """
    if baseline == "base":
        return [found[m] for m in plan.watched if found[m].n]
    held_out = [one for m, one in found.items() if plan.metrics[m].suite == HELD_OUT]
    return [one for one in held_out if one.n and one.metric not in plan.gate.better]


def _watch(watched: Sequence[Comparison], baseline: str) -> list[Condition]:
    """One condition on several metrics, shown with the numbers of the one that says most; none where none is measured.

    Against the base: one is better and none is worse. Against a champion: none is worse.
    """
    if not watched:
        return []
    worse, better = (any(c.outcome == outcome for c in watched) for outcome in ("worse", "better"))
    needed = "better in one metric and worse in none" if baseline == "base" else "not worse in any"
    rank = {"worse": 0, "better": 1, "undecided": 2}
    shown = min(watched, key=lambda c: (rank[c.outcome], c.p if c.p is not None else 2.0, c.metric))
    state = "met" if not worse and (better or baseline == "champion") else "undecided"
    if worse and (baseline == "champion" or not better):
        state = "failed"
    return [conditions.of(shown, "watch", f"{needed} of {', '.join(c.metric for c in watched)}", state)]


def _guards(scores: Models, found: Mapping[str, Comparison], baseline: str, plan: GatePlan) -> list[Condition]:
    return [
        conditions.guard(pair(scores, baseline, m), found[m], plan.metrics[m], margin, plan, baseline == "champion")
        for m, margin in sorted(plan.gate.guards.items())
    ]


def _verdict(asked: Sequence[Condition], void: Sequence[Tally]) -> str:
    blocking = [one for one in asked if one.blocking]
    if any(one.state == "failed" and one.kind == "data" for one in blocking):
        return "refuse"
    if void:
        return "inconclusive"
    if any(one.state == "failed" for one in blocking):
        return "refuse"
    return "promote" if blocking and all(one.met for one in blocking) else "inconclusive"


def _metric(found: Comparison, scores: Models, plan: GatePlan) -> dict[str, Any]:
    measured = plan.metrics[found.metric]
    own = {model: scores.get(model, {}).get(found.metric) for model in ("base", "tuned", "champion")}
    return {
        **{model: score_of(known, measured) if known else None for model, known in own.items()},
        "difference": found.estimate,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": found.n,
        "clusters": found.clusters,
        "detectable": plan.detectable(found.metric),
        "direction": found.direction,
        "signature": measured.signature,
        "outcome": found.outcome,
    }


def _rows_needed(asked: Sequence[Condition]) -> int | None:
    """The rows that would show the differences seen, were they true; None where one points the wrong way."""
    needs = [one.rows_needed for one in asked if one.blocking and not one.met]
    known = [need for need in needs if need is not None]
    return max(known) if known and len(known) == len(needs) else None


def _reason(
    verdict: str,
    asked: Sequence[Condition],
    required: Sequence[Comparison],
    watched: Sequence[Comparison],
    gate: Gate,
    baseline: str,
    void: Sequence[Tally],
) -> str:
    """One or two sentences for people."""
    gaps = {one.metric for one in asked if one.evidence and one.evidence.startswith(conditions.NOT_ASSESSABLE)}
    told = [f"{c.metric} is {c.outcome}" for c in required if c.metric not in gaps] + _words(watched, baseline)
    kinds = ("guard", "floor", "data", "cost")
    told += [_told(one) for one in asked if (one.kind in kinds or one.metric in gaps) and not one.met]
    text = f"Against the {baseline}: {', '.join(told)}."
    if verdict != "inconclusive":
        return text
    if void:
        one = void[0]
        return (
            f"{text} The verdict is void: {one.not_asked} of {one.questions} questions of {one.suite} could not be "
            f"asked, more than {MOST_ERRORS:.1%}."
        )
    if baseline == "base" and {"better", "worse"} <= {c.outcome for c in watched}:
        return f"{text} A person must weigh that; more rows would not."
    if baseline == "champion" and all(_no_worse(c, gate.margin) for c in required):
        return f"{text} No worse within the margin of {gate.margin:g}: equal for practical purposes."
    if any(one.blocking and one.metric in gaps for one in asked):
        return f"{text} More rows would not tell what cannot be assessed."
    if any(c.n < 2 for c in required):
        return f"{text} Too few rows to tell."
    undecided = [one for one in asked if one.blocking and one.state == "undecided"]
    needs = [one.rows_needed for one in undecided if one.rows_needed and one.kind != "watch"]
    return f"{text} About {max(needs)} rows would tell." if needs else f"{text} The rows at hand cannot tell."


def _told(one: Condition) -> str:
    """`mood_en.accuracy (no worse by more than 0.05) is undecided`, and that it is reported only where it is."""
    more = "" if one.blocking else ", which is reported only"
    return f"{one.metric} ({one.needed}) is {one.state}{more}{f' ({one.evidence})' if one.evidence else ''}"


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
