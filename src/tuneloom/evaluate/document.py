"""The verdict as a page for people: every condition with what was asked, what was found, and its outcome."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuneloom.evaluate.assessable import in_words
from tuneloom.evaluate.gate_plan import told


def verdict_page(verdict: Mapping[str, Any]) -> str:
    """Markdown of a verdict.json; the same verdict, the same page.

    `# Verdict: promote`, why, then a table of conditions, one of metrics, and one of what the models left unanswered.
    """
    return (
        "\n".join([*_head(verdict), *_conditions(verdict), *_metrics(verdict), *_gaps(verdict), *_outputs(verdict)])
        + "\n"
    )


def _head(verdict: Mapping[str, Any]) -> Iterator[str]:
    yield f"# Verdict: {verdict['verdict']}"
    yield ""
    yield str(verdict["reason"])
    if verdict["rows_needed"]:
        yield f"\nItems needed: about {verdict['rows_needed']:,}."
    yield ""
    yield f"Baseline: {verdict['baseline']}. Confidence: {verdict['confidence']:g}. Plan: `{verdict['plan']}`."
    yield f"Candidates that these items have judged, this one included: {told(verdict['uses'])}."
    most = max(verdict["uses"].values(), default=1)
    if most > 1:
        chance = _false_alarms(most, verdict["confidence"])
        yield f"Were none of {most} better than its baseline, one would look so in {chance:.0%} of cases."


def _false_alarms(looks: int, confidence: float) -> float:
    """Chance that one of so many independent looks at no difference says better, one-sided."""
    return 1 - (1 - (1 - confidence) / 2) ** looks


def _conditions(verdict: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", "## Conditions", "", "| condition | asked | found | interval | p | items | needed | outcome |")
    yield "|---|---|---|---|---|---|---|---|"
    for one in verdict["conditions"]:
        outcome = one["state"] + ("" if one["blocking"] else " (reported only)")
        cells = (
            f"{one['kind']}: {one['metric']}",
            one["needed"],
            _number(one["estimate"]),
            _interval(one),
            _number(one["p"]),
            _count(one["n"]),
            _count(one["rows_needed"]),
            outcome,
        )
        yield f"| {' | '.join(cells)} |"


def _metrics(verdict: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "",
        "## Metrics",
        "",
        "| metric | better | base | champion | tuned | difference | interval | items | clusters | could tell |",
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, one in verdict["metrics"].items():
        gaps = one["not_assessable"]
        scores = (
            "not assessable" if who in gaps else _number(one[who])
            for who in ("base", "champion", "tuned", "difference")
        )
        cells = (
            name,
            one["direction"],
            *scores,
            _interval(one),
            _count(one["n"]),
            _count(one["clusters"]),
            _number(one["detectable"]),
        )
        yield f"| {' | '.join(cells)} |"
    signed = {name: one["signature"] for name, one in verdict["metrics"].items() if one["signature"]}
    yield from (f"\n`{name}`: {mark}" for name, mark in signed.items())


def _gaps(verdict: Mapping[str, Any]) -> Iterator[str]:
    """`python_en.passes_tests: not assessable: a sandbox needs Linux`, a line a metric."""
    found = {name: one["not_assessable"] for name, one in verdict["metrics"].items() if one["not_assessable"]}
    if found:
        yield from ("", "## Not assessable", "")
        yield from (f"- {name}: {in_words(gaps)}" for name, gaps in found.items())


def _outputs(verdict: Mapping[str, Any]) -> Iterator[str]:
    if not verdict["outputs"]:
        return
    yield from (
        "",
        "## Answers",
        "",
        "| suite | model | questions | not asked | cut by the limit | no answer found | tokens |",
    )
    yield "|---|---|---|---|---|---|---|"
    for one in verdict["outputs"]:
        counts = (f"{one[name]:,}" for name in ("questions", "not_asked", "cut", "failed", "tokens"))
        yield f"| {one['suite']} | {one['model']} | {' | '.join(counts)} |"


def _interval(one: Mapping[str, Any]) -> str:
    return "–" if one["low"] is None else f"{_number(one['low'])} to {_number(one['high'])}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
