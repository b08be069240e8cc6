"""What a release says to people: the Markdown under its version, and where its MLflow run is to be seen."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuneloom.release.lineage import Trained


def describe(
    verdict: Mapping[str, Any] | None, base: str, data: Sequence[Trained], used: tuple[int, int] | None
) -> str:
    """A verdict (None: it was not scored), its scores and what it was trained on; `used`: tokens trained, and tokens
    that there were.

    `Tuned from **smol**. The gate says **promote** (150 rows). Against the base: loss is better.` and two tables.
    """
    if verdict is None:
        return "\n".join([f"Tuned from **{base}**. It was not scored.", *_data(data, used)])
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
    return "\n".join([*lines, *_data(data, used)])


def _data(data: Sequence[Trained], used: tuple[int, int] | None) -> Iterator[str]:
    """A row a source and licence, the most rows first."""
    if not data:
        return
    licenses = ", ".join(sorted({one.license for one in data}))
    part = f"; training took {used[0]:,} tokens, of {used[1]:,} in these rows" if used else ""
    yield from ("", f"Trained on {sum(one.rows for one in data):,} rows{part}. Licences: {licenses}.", "")
    yield from ("| source | licence | rows |", "|---|---|---|")
    yield from (f"| {one.source} | {one.license} | {one.rows:,} |" for one in sorted(data, key=lambda one: -one.rows))


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
