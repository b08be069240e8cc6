"""What a release says to people: the Markdown under its version, and where its MLflow run is to be seen."""

import shlex
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


def run_page(said: Mapping[str, Any]) -> str | None:
    """The MLflow run of a release.json as an address; None where a file holds the records and no server shows them.

    `https://host/#/experiments/7/runs/0f3c`.
    """
    if not said["tracking"].startswith(("http://", "https://")):
        return None
    return f"{said['tracking'].rstrip('/')}/#/experiments/{said['experiment_id']}/runs/{said['mlflow_run_id']}"


def run_command(said: Mapping[str, Any]) -> str:
    """What shows the records of a release.json, from the folder of the config: `mlflow ui --backend-store-uri ...`."""
    return f"mlflow ui --backend-store-uri {shlex.quote(said['tracking'])}"


def number(value: float | None) -> str:
    """Four significant digits; what was not measured is a dash: `0.123456` -> `0.1235`, `None` -> `–`."""
    return "–" if value is None else f"{value:.4g}"
