"""Two models on the items that both were asked, metric by metric: who is better, by how much, how surely, and where.

The p-values are those of the gate (McNemar's for right and wrong), corrected for being several claims (Holm). A metric
that both have, but in another setting, is left out and named. Swapping the two flips every sign.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tuneloom.evaluate.comparison import Pair, compare, interval_of, judged, score_of, sign, test_of
from tuneloom.evaluate.gate_plan import Measured
from tuneloom.evaluate.sides import Side, pairs_of
from tuneloom.statistics import detectable_before, holm


@dataclass(frozen=True)
class Score:
    """A metric of one model with its interval; `detectable` is the smallest difference that so many items find, and
    `not_assessable` why there is no score."""

    metric: str
    suite: str
    direction: str
    n: int
    clusters: int
    score: float | None
    low: float | None
    high: float | None
    detectable: float | None
    not_assessable: str | None = None


@dataclass(frozen=True)
class Line:
    """A metric of both: `difference` is first less second, `p` corrected for all lines, `outcome` the first's; that
    scored better on `wins` items, worse on `losses`."""

    metric: str
    suite: str
    direction: str
    n: int
    clusters: int
    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    test: str
    p_alone: float | None
    p: float | None
    outcome: str
    detectable: float | None
    rows_needed: int | None
    wins: int
    losses: int


def scores_of(side: Side, confidence: float = 0.95, seed: int = 0) -> list[Score]:
    """Every metric of one model, in the order of its suites."""
    found = []
    for metric, measured in side.measured.items():
        if why := side.gaps.get(metric):
            found.append(Score(metric, measured.suite, measured.direction, 0, 0, None, None, None, None, why))
        elif metric in side.scores:
            own = side.scores[metric]
            interval = interval_of(own, measured, confidence, seed)
            n = len(own.ids)
            found.append(
                Score(
                    metric=metric,
                    suite=measured.suite,
                    direction=measured.direction,
                    n=n,
                    clusters=len(set(own.clusters)),
                    score=score_of(own, measured),
                    low=interval.low if interval else None,
                    high=interval.high if interval else None,
                    detectable=_detectable(n, measured, confidence),
                )
            )
    return found


def side_by_side(first: Side, second: Side, confidence: float = 0.95, seed: int = 0) -> list[Line]:
    """Both on every metric that they share; `left_out` names the others."""
    met = pairs_of(first, second)
    compared = {
        metric: compare(found, metric, first.measured[metric], confidence, seed)[0] for metric, found in met.items()
    }
    corrected = holm([one.p for one in compared.values()])
    return [
        _line(met[metric], first.measured[metric], one.p, judged(one, p, confidence), confidence)
        for (metric, one), p in zip(compared.items(), corrected, strict=True)
    ]


def left_out(first: Side, second: Side) -> list[str]:
    """Metrics that only one has, or that both have in another setting or on other items, in alphabetical order."""
    return sorted((first.scores.keys() | second.scores.keys()) - pairs_of(first, second).keys())


def gap_lines(*sides: Side) -> list[str]:
    """`python_en.passes_tests of ./model is not assessable: a sandbox needs Linux`, a line a metric and model."""
    return [f"{metric} of {side.name} is not assessable: {why}" for side in sides for metric, why in side.gaps.items()]


def comparison_page(first: Side, second: Side, lines: Sequence[Line], missing: Sequence[str]) -> str:
    """Markdown for people: a line a metric; no row's words are in it."""
    said = [
        f"# {first.name} against {second.name}",
        "",
        "Differences are first less second, paired item by item; p is corrected for all lines (Holm).",
        "",
        "| metric | better | first | second | difference | interval | p | test | items | clusters | wins | losses "
        "| could tell | first is |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in lines:
        ends = "–" if one.low is None else f"{number(one.low)} to {number(one.high)}"
        cells = (one.metric, one.direction, number(one.first), number(one.second), number(one.difference), ends,
                 number(one.p), one.test, one.n, one.clusters, one.wins, one.losses, number(one.detectable),
                 one.outcome)  # fmt: skip
        said.append(f"| {' | '.join(map(str, cells))} |")
    said += ["", f"Not compared: {', '.join(missing)}."] if missing else []
    said += ["", *(f"- {line}" for line in gap_lines(first, second))] if first.gaps or second.gaps else []
    return "\n".join(said) + "\n"


def number(value: float | None) -> str:
    """0.12345 -> `0.1234`; None -> a dash."""
    return "–" if value is None else f"{value:.4g}"


def as_json(lines: Sequence[Line | Score]) -> list[dict[str, Any]]:
    """Plain values."""
    return [asdict(one) for one in lines]


def _line(found: Pair, measured: Measured, alone: float | None, one: Any, confidence: float) -> Line:
    gains = found.differences * sign(measured.direction)
    return Line(
        metric=one.metric,
        suite=measured.suite,
        direction=measured.direction,
        n=one.n,
        clusters=one.clusters,
        first=score_of(found.tuned, measured),
        second=score_of(found.other, measured),
        difference=one.estimate,
        low=one.low,
        high=one.high,
        test=test_of(found, measured),
        p_alone=alone,
        p=one.p,
        outcome=one.outcome,
        detectable=_detectable(one.n, measured, confidence),
        rows_needed=one.rows_needed if one.outcome == "undecided" and (one.rows_needed or 0) > one.n else None,
        wins=int((gains > 0).sum()),
        losses=int((gains < 0).sum()),
    )


def _detectable(n: int, measured: Measured, confidence: float) -> float | None:
    return None if measured.largest is None else detectable_before(n, measured.largest, confidence)
