"""The one-page HTML report, linked from the flow run."""

import json

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.plan import STAGES
from tuneloom.release.description import run_command, run_page


@task(name="report", **STAGE)
def report(run: Run, released: Reference) -> State | Reference:
    """Writes the page from every stage's artifact."""

    def build(writer: Writer) -> None:
        from tuneloom.report.stage import report as write_page

        write_page(writer, {name: run.artifact(name) for name in STAGES[:-1]}, run.plan.config.name)

    outcome = run_stage(run, "report", build)
    create_markdown_artifact(key="report-page", markdown=_links(run))
    return outcome


def _links(run: Run) -> str:
    """The page, and the MLflow run: its address, or without a server the command that shows it."""
    page = run.artifact("report").path("report.html")
    said = json.loads(run.artifact("release").path("release.json").read_text("utf-8"))
    address = run_page(said)
    mlflow = f"[MLflow run]({address})" if address else f"MLflow run `{said['mlflow_run_id']}`: `{run_command(said)}`"
    return f"[{page.name}]({page.as_uri()})\n\n{mlflow}"
