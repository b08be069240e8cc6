"""The one-page HTML report: logged to the MLflow run, linked from the flow run."""

import json
from urllib.parse import urlsplit

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.settings import PREFECT_UI_URL
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tasks.tracking import run_tracking
from tuneloom.artifacts import Reference, Writer
from tuneloom.plan import STAGES
from tuneloom.release.description import run_command, run_page
from tuneloom.release.logged_page import PAGE


@task(name="report", **STAGE)
def report(run: Run, released: Reference) -> State | Reference:
    """Writes the page from every stage's artifact, and logs it."""

    def build(writer: Writer) -> None:
        from tuneloom.report.lineage import Recorded
        from tuneloom.report.stage import report as write_page

        record = run.plan.record
        recorded = Recorded(record.identity, record.flow_run_id, _prefect_page())
        write_page(writer, {name: run.artifact(name) for name in STAGES[:-1]}, run.plan.config.name, recorded)
        run_tracking(run).artifact(writer.folder / PAGE)  # before the commit: a page that is there is logged, too

    outcome = run_stage(run, "report", build)
    create_markdown_artifact(key="report-page", markdown=_links(run))
    return outcome


def _prefect_page() -> str | None:
    """Where people see Prefect's flow runs; None for a server on this machine, which may be gone with the run."""
    address = PREFECT_UI_URL.value() or ""
    host = urlsplit(address).hostname or "localhost"
    return None if host in ("localhost", "127.0.0.1", "::1", "0.0.0.0") else address


def _links(run: Run) -> str:
    """The page, and the MLflow run: its address, or without a server the command that shows it."""
    page = run.artifact("report").path(PAGE)
    said = json.loads(run.artifact("release").path("release.json").read_text("utf-8"))
    address = run_page(said)
    mlflow = f"[MLflow run]({address})" if address else f"MLflow run `{said['mlflow_run_id']}`: `{run_command(said)}`"
    return f"[{page.name}]({page.as_uri()})\n\n{mlflow}"
