"""The one-page HTML report, linked from the flow run."""

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.states import State

from tasks.run import Run
from tasks.stage import STAGE, run_stage
from tuneloom.artifacts import Reference, Writer
from tuneloom.plan import STAGES


@task(name="report", **STAGE)
def report(run: Run, released: Reference) -> State | Reference:
    """Writes the page from every stage's artifact."""

    def build(writer: Writer) -> None:
        from tuneloom.report.stage import report as write_page

        artifacts = {name: run.artifact(name) for name in STAGES[:-1]}
        write_page(writer, artifacts, run.plan.config.name, {})

    outcome = run_stage(run, "report", build)
    page = run.artifact("report").path("report.html")
    create_markdown_artifact(key="report-page", markdown=f"[{page.name}]({page.as_uri()})")
    return outcome
