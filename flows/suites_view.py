"""What `plan` says of the evaluation before any model is asked: how small a difference its items can tell."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuneloom.plan import Plan


def suites_told(plan: "Plan") -> list[dict[str, Any]]:
    """`[{"suite": "mood_en", "items": 24, "detectable": 0.18}]`: of a scale from 0 to 1, in four of five cases, were
    one item in ten to change. The run's own rows at most; None for rows that only the run will know."""
    from tuneloom.statistics import detectable_before

    confidence = plan.config.release.gate.confidence
    counts: dict[str, int | None] = {"held_out": plan.config.evaluate.generate_rows}
    counts |= {suite.name: len(suite.rows) or None for suite in plan.suites}
    return [
        {"suite": name, "items": n, "detectable": detectable_before(n, 1.0, confidence) if n else None}
        for name, n in counts.items()
    ]


def suite_lines(plan: "Plan") -> list[str]:
    """`suite     mood_en: 24 items tell differences from 18 % of the scale on`."""
    lines = []
    for one in suites_told(plan):
        most = "at most " if one["suite"] == "held_out" else ""
        if one["detectable"] is not None:
            tells = f"{most}{one['items']} items tell differences from {100 * one['detectable']:.2g} % of the scale on"
            lines.append(f"suite     {one['suite']}: {tells}")
        elif one["suite"] != "held_out":
            lines.append(f"suite     {one['suite']}: its items are test rows of the run, counted when it evaluates")
    return lines
