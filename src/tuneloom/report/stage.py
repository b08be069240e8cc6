"""The report stage: one self-contained HTML page, readable on a phone, by day and by night, without a network.

All text is escaped, and the page's policy lets one script run, the page's own (browser.js), by its digest: nothing in a
data set can act, and nothing can be fetched.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuneloom import __version__
from tuneloom.artifacts import Artifact, Writer
from tuneloom.dedup.describe import tables
from tuneloom.errors import BrokenArtifact
from tuneloom.quality.describe import safety_lines
from tuneloom.render.describe import shown_rows
from tuneloom.render.describe import summary as packing
from tuneloom.render.describe import tables as described
from tuneloom.report.charts import bar_chart, loss_chart, whisker_chart
from tuneloom.report.content import funnel_bars, mixture_bars, read_funnel, read_mixture, read_verdict
from tuneloom.report.lineage import Recorded, read_lineage, read_links
from tuneloom.report.samples import read_samples
from tuneloom.report.scores import masked_groups, read_all_scores, read_groups, read_labels, whiskers
from tuneloom.text.personal_data import mask

FACTS = ("steps", "tokens", "tokens_available", "trained_parameters", "tokens_per_second", "dtype", "device")
NOWHERE = Recorded()
TEMPLATE, SCRIPT, STYLE = (Path(__file__).with_name(name) for name in ("page.html.j2", "browser.js", "page.css"))


def report(writer: Writer, artifacts: Mapping[str, Artifact], title: str, recorded: Recorded = NOWHERE) -> None:
    """Writes report.html from the artifacts by stage name, and from where the run is recorded."""
    if "evaluate" not in artifacts:
        raise BrokenArtifact("the report needs the evaluation", where="report", remedy="Run the pipeline again.")
    page = render_page(page_values(artifacts, title, recorded))
    writer.file("report.html").write_text(page, "utf-8")
    writer.stats["bytes"] = len(page.encode("utf-8"))


def page_values(artifacts: Mapping[str, Artifact], title: str, recorded: Recorded) -> dict[str, Any]:
    """All that the template shows, by the names it uses."""
    released = (
        json.loads(artifacts["release"].path("release.json").read_text("utf-8")) if "release" in artifacts else None
    )
    verdict = read_verdict(artifacts["evaluate"], released)
    return {
        "title": mask(title),
        "verdict": verdict,
        "released": released,
        "links": read_links(recorded, released),
        "recorded": recorded,
        **_judged(artifacts["evaluate"], verdict.baseline),
        **_data(artifacts),
        **_training(artifacts.get("train")),
        "lineage": read_lineage(artifacts),
        "tuneloom": __version__,
    }


def render_page(values: Mapping[str, Any]) -> str:
    """The template with its values, every one escaped but our own style, script and drawings."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["thousands"] = lambda value: f"{value:,}"
    script = SCRIPT.read_text("utf-8")
    return environment.get_template(TEMPLATE.name).render(
        values,
        style=Markup(STYLE.read_text("utf-8")),
        script=Markup(script),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _judged(evaluation: Artifact, baseline: str) -> dict[str, Any]:
    """Scores, groups and samples."""
    from markupsafe import Markup

    groups = [masked_groups(one, mask) for one in read_groups(evaluation, baseline)]
    scores = read_all_scores(evaluation)
    lead = next((one for one in groups if one.by == "task" and scores and one.metric == scores[0].name), None)
    samples = read_samples(evaluation, mask)
    rows = samples.rows
    return {
        "scores": scores,
        "groups": groups,
        "lead": lead,
        "labels": read_labels(evaluation),
        "task_chart": Markup(whisker_chart(whiskers(lead), "tasks") or "") if lead else None,
        "samples": samples,
        "counts": samples.counts(baseline),
        "sample_data": Markup(samples.to_json(baseline)),
        "choices": {
            "suite": sorted({row.suite for row in rows}),
            "task": sorted({row.task for row in rows}),
            "language": sorted({row.language for row in rows if row.language}),
            "against": sorted({who for row in rows for who in row.gains}, key=lambda who: who != baseline),
        },
    }


def _data(artifacts: Mapping[str, Artifact]) -> dict[str, Any]:
    """What became of the rows; of a stage that there is not, nothing."""
    from markupsafe import Markup

    funnel = read_funnel(artifacts)
    mixture = read_mixture(artifacts["mixture"]) if "mixture" in artifacts else []
    rendered = artifacts["render"].stats if "render" in artifacts else {}
    return {
        "funnel": funnel,
        "funnel_chart": Markup(bar_chart(funnel_bars(funnel), "funnel") or ""),
        "safety": [*safety_lines(artifacts["quality"].stats)] if "quality" in artifacts else [],
        "duplicates": [*tables(artifacts["dedup"].stats)] if "dedup" in artifacts else [],
        "mixture": mixture,
        "mixture_chart": Markup(bar_chart(mixture_bars(mixture), "mixture") or ""),
        "rendered": shown_rows(rendered)[:2] if rendered else [],
        "packed": [*packing(rendered)] if rendered else [],
        "tokens": [*described(rendered)] if rendered else [],
    }


def _training(tuned: Artifact | None) -> dict[str, Any]:
    """The loss curves of steps.jsonl and validation.jsonl, and the facts of the stats that people ask for."""
    from markupsafe import Markup

    if tuned is None:
        return {"curve": None, "looks": [], "chosen": None, "training": {}}
    steps = [one for one in _lines(tuned, "steps.jsonl") if one.get("loss") is not None]
    looks = [(int(one["step"]), float(one["loss"])) for one in _lines(tuned, "validation.jsonl")]
    chosen = tuned.stats.get("chosen_step")
    curve = loss_chart([int(one["step"]) for one in steps], [float(one["loss"]) for one in steps], looks, chosen)
    return {
        "curve": Markup(curve) if curve else None,
        "looks": looks,
        "chosen": chosen,
        "training": {name: tuned.stats[name] for name in FACTS if name in tuned.stats},
    }


def _lines(artifact: Artifact, name: str) -> list[dict[str, Any]]:
    """A file of JSON lines; none where there is no such file."""
    return [json.loads(line) for path in artifact.files(name) for line in path.read_text("utf-8").splitlines()]


def _number(value: float | None) -> str:
    """Four significant digits, a dash for what was not measured."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
