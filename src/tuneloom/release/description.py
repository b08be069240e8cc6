"""What the registry shows under a version: Markdown for people."""

from collections.abc import Mapping, Sequence
from typing import Any


def describe(verdict: Mapping[str, Any], base: str, licenses: Sequence[str]) -> str:
    """A verdict and its scores in a few lines.

    `Tuned from **smol**. The gate says **promote** (150 rows). Against the base: loss is better.` and a table.
    """
    lines = [
        f"Tuned from **{base}**. The gate says **{verdict['verdict']}** ({verdict['n']} rows). {verdict['reason']}",
        "",
        "| metric | base | tuned | difference | interval |",
        "|---|---|---|---|---|",
    ]
    for name, found in verdict["metrics"].items():
        interval = f"{number(found.get('low'))} to {number(found.get('high'))}"
        cells = (number(found.get(key)) for key in ("base", "tuned", "difference"))
        lines.append(f"| {name} | {' | '.join(cells)} | {interval} |")
    if licenses:
        lines += ["", f"Licences of the training rows: {', '.join(licenses)}."]
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Four significant digits; what was not measured is a dash: `0.123456` -> `0.1235`, `None` -> `–`."""
    return "–" if value is None else f"{value:.4g}"
