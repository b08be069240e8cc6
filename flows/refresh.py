"""The main flow: raw instruction data to an evaluated, registered model, stage by stage."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run as this_run

from flows.reconcile import claim_this_run
from flows.settings import allow_hub
from tasks.decontaminate import decontaminate
from tasks.dedup import dedup
from tasks.evaluate import evaluate
from tasks.ingest import ingest
from tasks.mixture import mixture
from tasks.quality import quality
from tasks.release import release
from tasks.render import render
from tasks.report import report
from tasks.review import review
from tasks.run import Run, current_reporter
from tasks.split import split
from tasks.tracking import tracked
from tasks.train import train
from tuneloom.artifacts.locks import lock
from tuneloom.config import Config
from tuneloom.estimate import check_space
from tuneloom.plan import Plan, check_until, make_plan, references
from tuneloom.summary import summary_markdown

STAGES: tuple[Any, ...] = (
    ingest, dedup, split, decontaminate, quality, review, mixture, render, train, evaluate, release, report
)  # fmt: skip
LONGEST_WAIT = 72 * 3600
"""Seconds that a run waits for another of its project: as long as training may take."""


def _name() -> str:
    config = this_run.parameters["config"]
    name = config["name"] if isinstance(config, dict) else config.name
    return f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


def _explain_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Leaves a readable reason in the UI."""
    create_markdown_artifact(key="failure", markdown=f"**{flow_run.name}** ended as {state.name}: {state.message}")


@flow(
    name="refresh",
    flow_run_name=_name,
    on_failure=[_explain_failure],
    persist_result=False,
    validate_parameters=True,
)
def refresh(
    config: Config, folder: Path = Path(), until: str = "report", limit: int | None = None, home: Path | None = None
) -> dict[str, str]:
    """Runs every stage up to `until`; returns the artifacts' names by stage. Finished stages are reused.

    It waits for another run of the same project: they would share one machine, and one would judge its model against a
    champion that the other replaces.
    """
    claim_this_run()
    allow_hub(config, folder)
    home, say = (home or folder / ".tuneloom").resolve(), current_reporter().say
    # Before the plan, which must know what the run it waits for has released and promoted.
    with lock(home / "locks" / "run.lock", "the runs of this project", LONGEST_WAIT, say):
        return _run_stages(make_plan(config, folder, home=home, limit=limit, say=say), until)


def _run_stages(plan: Plan, until: str) -> dict[str, str]:
    stages = STAGES[: len(plan.stages(check_until(until)))]
    check_space(plan, until)
    run = Run(plan, flow_run_id=this_run.id)
    with tracked(run):
        outcome: Any = stages[0](run)
        for stage in stages[1:]:
            outcome = stage(run, outcome)
    run.complete()
    found = dict(run.plan.found(until))
    create_markdown_artifact(key="summary", markdown=summary_markdown(plan.config.name, found))
    return {stage: str(reference) for stage, reference in references(run.plan).items()}
