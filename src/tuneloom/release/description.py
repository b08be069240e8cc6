"""What the registry shows under a version: Markdown for people."""

from collections.abc import Mapping, Sequence
from typing import Any


def describe(verdict: Mapping[str, Any], base: str, licenses: Sequence[str]) -> str:
    """A verdict and its scores in a few lines.

    `Adapter for **smol**. The gate says **promote** (against base, n = 150).` and a table of metrics.
    """
    against, count = verdict.get("baseline") or "base", verdict.get("n")
    lines = [
        f"Tuned from **{base}**. The gate says **{verdict['verdict']}** (against {against}, n = {count}).",
        "",
        "| metric | base | tuned | difference | interval |",
        "|---|---|---|---|---|",
    ]
    for name, found in verdict.get("metrics", {}).items():
        interval = f"{number(found.get('low'))} to {number(found.get('high'))}"
        cells = (number(found.get(key)) for key in ("base", "tuned", "difference"))
        lines.append(f"| {name} | {' | '.join(cells)} | {interval} |")
    if licenses:
        lines += ["", f"Licences of the training rows: {', '.join(licenses)}."]
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Four significant digits; what was not measured is a dash: `0.123456` -> `0.1235`, `None` -> `–`."""
    return "–" if value is None else f"{value:.4g}"
