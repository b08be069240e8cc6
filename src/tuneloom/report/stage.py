"""The report stage: one self-contained HTML page, readable on a phone, by day and by night, without a network.

It has no scripts and a policy that forbids them, so nothing in a data set can act; all text is escaped.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuneloom import __version__
from tuneloom.artifacts import Artifact, Writer
from tuneloom.dedup.describe import tables
from tuneloom.errors import BrokenArtifact
from tuneloom.quality.describe import safety_lines
from tuneloom.release.description import run_command, run_page
from tuneloom.render.describe import shown_rows
from tuneloom.render.describe import summary as packing
from tuneloom.render.describe import tables as described
from tuneloom.report.charts import HEIGHT, WIDTH, Curve, loss_curve
from tuneloom.report.content import read_funnel, read_mixture, read_samples, read_scores, read_verdict
from tuneloom.text.personal_data import mask

FACTS = ("steps", "tokens", "tokens_available", "trained_parameters", "tokens_per_second", "dtype", "device")
TEMPLATE = Path(__file__).with_name("page.html.j2")


def report(writer: Writer, artifacts: Mapping[str, Artifact], title: str) -> None:
    """Writes report.html from the artifacts by stage name, and from nothing else."""
    if "evaluate" not in artifacts:
        raise BrokenArtifact("the report needs the evaluation", where="report", remedy="Run the pipeline again.")
    page = render_page(page_values(artifacts, title))
    writer.file("report.html").write_text(page, "utf-8")
    writer.stats["bytes"] = len(page.encode("utf-8"))


def page_values(artifacts: Mapping[str, Artifact], title: str) -> dict[str, Any]:
    """All that the template shows, by the names it uses."""
    released = (
        json.loads(artifacts["release"].path("release.json").read_text("utf-8")) if "release" in artifacts else None
    )
    evaluation = artifacts["evaluate"]
    curve, facts = _training(artifacts.get("train"))
    return {
        "title": title,
        "verdict": read_verdict(evaluation, released),
        "scores": read_scores(evaluation),
        "funnel": read_funnel(artifacts),
        "safety": list(safety_lines(artifacts["quality"].stats)) if "quality" in artifacts else [],
        "curve": curve,
        "training": facts,
        "chart": {"width": WIDTH, "height": HEIGHT},
        "duplicates": list(tables(artifacts["dedup"].stats)) if "dedup" in artifacts else [],
        "rendered": shown_rows(artifacts["render"].stats)[:2] if "render" in artifacts else [],
        "packed": [*packing(artifacts["render"].stats)] if "render" in artifacts else [],
        "tokens": [*described(artifacts["render"].stats)] if "render" in artifacts else [],
        "mixture": read_mixture(artifacts["mixture"]) if "mixture" in artifacts else [],
        "samples": read_samples(evaluation, mask),
        "lineage": [
            (stage, artifact.reference.key, artifact.manifest.seconds) for stage, artifact in artifacts.items()
        ],
        "settings": {
            stage: _yaml(a.manifest.spec["config"]) for stage, a in artifacts.items() if a.manifest.spec["config"]
        },
        "versions": dict(artifacts.get("train", evaluation).manifest.versions),
        "released": released,
        "mlflow": {"page": run_page(released), "command": run_command(released)} if released else None,
        "tuneloom": __version__,
    }


def render_page(values: Mapping[str, Any]) -> str:
    """The template with its values, every one escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["thousands"] = lambda value: f"{value:,}"
    return environment.get_template(TEMPLATE.name).render(values)


def _training(tuned: Artifact | None) -> tuple[Curve | None, dict[str, Any]]:
    """The loss curve from the train artifact's steps.jsonl, and the facts of its stats that people ask for."""
    if tuned is None:
        return None, {}
    steps = [json.loads(line) for line in tuned.path("steps.jsonl").read_text("utf-8").splitlines()]
    known = [step for step in steps if step.get("loss") is not None]
    facts = {name: tuned.stats[name] for name in FACTS if name in tuned.stats}
    return loss_curve([int(step["step"]) for step in known], [float(step["loss"]) for step in known]), facts


def _yaml(section: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(section), sort_keys=False, allow_unicode=True).strip()


def _number(value: float | None) -> str:
    """Four significant digits, a dash for what was not measured."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
