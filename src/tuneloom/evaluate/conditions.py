"""The gate's conditions, each a pure function of scores and plan: met, failed, or undecided with the items needed.

gain       better than the baseline, by interval and p-value
guard      no worse than the baseline by more than a margin: the bound of one side, at the gate's confidence, decides,
           and only where the items would show it of an equal model in four of five cases
floor      the score itself, not below (of a loss: above) a bound
data       no suite row in the training rows, the ledger whole, no jump in the share of rejected rows
cost       answers not longer than so many times the baseline's
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tuneloom.evaluate.comparison import Comparison, Pair, Scores, interval_of, paired_interval, score_of, sign
from tuneloom.evaluate.gate_plan import GatePlan, Measured
from tuneloom.evaluate.outputs import Tally, tokens_an_answer
from tuneloom.statistics import Interval, as_was_planned, clustered_t, items_for, share_items_for, tango
from tuneloom.statistics.power import DISCORDANCE

SPREAD_IS_SURE_TO = 0.8
"""Items at hand over items needed from which on they count as enough: the number needed goes by the spread seen, which
some hundred items tell to a fifth. At 1 an equal model with just enough items would pass in half of the cases. Right or
wrong on independent items needs no such allowance: what was planned for counts, unless the items belie it."""


@dataclass(frozen=True)
class Condition:
    """One line of the verdict. `state` is met, failed or undecided; where not `blocking` it is reported only."""

    kind: str
    metric: str
    needed: str
    state: str
    blocking: bool = True
    n: int | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    rows_needed: int | None = None
    direction: str | None = None
    outcome: str | None = None
    evidence: str | None = None

    @property
    def met(self) -> bool:
        """Whether it does not stand in the way of a promotion."""
        return self.state == "met"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "met": self.met}


NOT_ASSESSABLE = "not assessable"


def not_assessable(one: Condition, why: str) -> Condition:
    """The condition with the reason why it cannot be decided: no number of items would."""
    return replace(one, state="undecided", rows_needed=None, evidence=f"{NOT_ASSESSABLE}: {why}")


def gain(found: Comparison) -> Condition:
    """A metric of `gate.better`."""
    state = {"better": "met", "worse": "failed"}.get(found.outcome, "undecided")
    return of(found, "gain", "better", state)


def of(found: Comparison, kind: str, needed: str, state: str, **more: Any) -> Condition:
    """A condition with a comparison's numbers."""
    known = {name: value for name, value in asdict(found).items() if name not in ("metric", "clusters")}
    return Condition(kind, found.metric, needed, state, **{**known, **more})


def guard(
    found: Pair | None, compared: Comparison, measured: Measured, margin: float, plan: GatePlan, blocking: bool
) -> Condition:
    """No worse than the baseline by more than `margin`, shown with the interval whose ends are the one-sided bounds."""
    confidence = plan.gate.confidence
    needed = f"no worse by more than {margin:g}"
    interval, spread = _bounds(found, measured, 2 * confidence - 1, plan.seed) if found else (None, None)
    if found is None or interval is None or spread is None:
        return _unspread(compared, measured, margin, confidence, needed, blocking)
    turned = sign(measured.direction)
    worst, best = sorted((turned * interval.low, turned * interval.high))
    wanted, enough = _items(found, measured, spread, margin, confidence)
    state, more = "undecided", wanted
    if best < -margin:
        state, more = "failed", None
    elif enough and worst > -margin:
        state, more = "met", None
    elif enough:
        more = items_for(spread, turned * interval.estimate + margin, confidence)
    blocking = blocking or state == "failed"
    return of(
        compared, "guard", needed, state, low=interval.low, high=interval.high, rows_needed=more, blocking=blocking
    )


def _bounds(found: Pair, measured: Measured, confidence: float, seed: int) -> tuple[Interval | None, float | None]:
    """The interval, and the spread of an item's difference: Tango's where items are right or wrong, each by itself."""
    if not _stands_alone(found, measured):
        return paired_interval(found, measured, confidence, seed)
    t = clustered_t(found.differences)
    spread = t.error * math.sqrt(len(found.differences)) if t else None
    return tango(found.tuned.values > 0.5, found.other.values > 0.5, confidence), spread


def _items(found: Pair, measured: Measured, spread: float, margin: float, confidence: float) -> tuple[int | None, bool]:
    """How many items it takes, and whether there are as many."""
    n = len(found.differences)
    if not _stands_alone(found, measured):
        wanted = items_for(spread, margin, confidence)
        return wanted, wanted is not None and n >= SPREAD_IS_SURE_TO * wanted
    seen, planned = (share_items_for(share, margin, confidence) or 0 for share in (spread**2, DISCORDANCE))
    return seen, n >= SPREAD_IS_SURE_TO * seen or (n >= planned and as_was_planned(spread**2, n))


def _stands_alone(found: Pair, measured: Measured) -> bool:
    return measured.interval == "share" and found.tuned.groups is None


def _unspread(
    compared: Comparison, measured: Measured, margin: float, confidence: float, needed: str, blocking: bool
) -> Condition:
    """Every item differs by the same. Where that is not 0, the p-value tells (all items are on one side of the margin,
    so it is that of the margin, too); no difference anywhere is judged as if one item in ten might yet change."""
    spread = math.sqrt(DISCORDANCE) * (measured.largest or 1.0)
    share = measured.interval == "share"
    wanted = share_items_for(DISCORDANCE, margin, confidence) if share else items_for(spread, margin, confidence)
    away = sign(measured.direction) * (compared.estimate or 0.0)
    enough = compared.clusters > 1 and wanted is not None and compared.n >= wanted
    if compared.outcome == "worse" and away < -margin:
        return of(compared, "guard", needed, "failed", rows_needed=None)
    met = compared.outcome == "better" or (enough and away >= -margin)
    return of(
        compared, "guard", needed, "met" if met else "undecided", rows_needed=None if met else wanted, blocking=blocking
    )


def floor(metric: str, scores: Scores | None, measured: Measured, bound: float, plan: GatePlan) -> Condition:
    """The tuned model's own score against a bound: met where its whole interval is on the right side."""
    words = f"at least {bound:g}" if measured.direction == "higher" else f"at most {bound:g}"
    if scores is None or not len(scores.ids):
        return Condition("floor", metric, words, "undecided", n=0)
    interval = interval_of(scores, measured, plan.gate.confidence, plan.seed)
    score, n = score_of(scores, measured), len(scores.ids)
    known: dict[str, Any] = {"n": n, "estimate": score, "direction": measured.direction}
    if interval is None:  # all items have one score: there is no spread to go by
        return Condition("floor", metric, words, "undecided", **known)
    turned = sign(measured.direction)
    worst, best = sorted((turned * interval.low, turned * interval.high))
    state = "met" if worst >= turned * bound else "failed" if best < turned * bound else "undecided"
    half, away = (interval.high - interval.low) / 2, abs((score or 0.0) - bound)
    more = math.ceil(n * (half / away) ** 2) if state == "undecided" and away and half else None
    return Condition("floor", metric, words, state, low=interval.low, high=interval.high, rows_needed=more, **known)


def data(plan: GatePlan) -> list[Condition]:
    """What was known of the data before any model was asked."""
    facts, found = plan.data, []
    if facts.contaminated is not None:
        leaks = facts.contaminated
        told = "; ".join(map(str, leaks[:3])) + (f"; and {len(leaks) - 3} more" if len(leaks) > 3 else "")
        cure = f"{told}: take down those rows, or leave the suite's out" if leaks else None
        found.append(_fact("contamination", "no suite row in the training rows", not leaks, len(leaks), cure))
    found.append(_fact("ledger", "whole", facts.breach is None, evidence=facts.breach))
    own, before = facts.reject_rate, facts.champion_reject_rate
    if own is not None and before is not None:
        words = f"share of rejected rows at most {plan.gate.reject_jump:g} above the champion's {before:.3g}"
        found.append(_fact("rejected rows", words, own <= before + plan.gate.reject_jump, own))
    return found


def cost(tallies: Sequence[Tally], baseline: str, most: float) -> Condition:
    """Mean tokens an answer, tuned over baseline."""
    words = f"answers at most {most:g} times as long"
    own, other = (tokens_an_answer(tallies, model) for model in ("tuned", baseline))
    if own is None or not other:
        return Condition("cost", "answer tokens", words, "undecided")
    return Condition("cost", "answer tokens", words, "met" if own / other <= most else "failed", estimate=own / other)


def _fact(name: str, words: str, holds: bool, value: float | None = None, evidence: str | None = None) -> Condition:
    return Condition("data", name, words, "met" if holds else "failed", estimate=value, evidence=evidence)


def asked_for(plan: GatePlan) -> Mapping[str, str]:
    """Every metric that the gate names, with the config key that names it."""
    gate = plan.gate
    named = dict.fromkeys(gate.guards, "guards") | dict.fromkeys(gate.floors, "floors")
    return named | dict.fromkeys(gate.better, "better")
